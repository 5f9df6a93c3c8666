"""What was refused lately and why, so that ``mailhub explain ID`` can tell.

Every event that carries a reason id is kept with all its fields, and with the steps that led to
it where there were any.  The latest are kept, about 4,000 log-ins, 4,000 recipients and messages,
1,000 commands, each kind in a file of its own, so that neither a storm of guessed passwords nor
one of mail for nobody pushes the others out.  They survive the process, and perhaps not the power.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from twisted.logger import ILogObserver
from zope.interface import implementer

from mailhub import log
from mailhub.model.steps import Step
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.slots import SlotFile

SLOT_OCTETS = 2048
BUCKETS = {"logins": 512, "mail": 512, "commands": 128}
KINDS = {"login.refused": "logins", "recipient.refused": "mail", "delivery.refused": "mail"}
"""Of events; any other is a command's."""
LONGEST_FIELD = 300
MOST_STEPS = 50
MOST_ITEMS = 20
LONGEST_TRACEBACK = 4000

Record = dict[str, Any]


class Refusals:
    """The files of one data directory, opened for reading and writing.  Raises OSError."""

    def __init__(self, data: DataDir) -> None:
        with ExitStack() as opened:
            self._files: dict[str, SlotFile] = {}
            for kind, buckets in BUCKETS.items():
                file = SlotFile(data.refusals(kind), buckets, SLOT_OCTETS)
                opened.callback(file.close)
                self._files[kind] = file
            self._open = opened.pop_all()

    def keep(self, record: Record) -> None:
        """Raises OSError: no space."""
        file = self._files[KINDS.get(record["event"], "commands")]
        file.put(record["reason_id"], _packed(record, file.room), record["time"])

    def find(self, reason_id: str) -> Record | None:
        """What is known under the id: of several records the fields of all.

        (An internal error refuses a recipient too; the command's record, with the traceback, comes
        last and has the last word.)
        """
        found: Record = {}
        for file in self._files.values():
            octets = file.get(reason_id)
            if octets is not None:
                found |= _unpacked(octets)
        return found or None

    def recent(self) -> list[Record]:
        """All there are, the latest first."""
        records = [_unpacked(octets) for _, octets in self._all()]
        return sorted(records, key=lambda record: -record["time"])

    def close(self) -> None:
        self._open.close()

    def _all(self) -> Iterator[tuple[float, bytes]]:
        for file in self._files.values():
            yield from file.all()


@implementer(ILogObserver)
class RefusalObserver:
    """Keeps each event with a reason id, and has ``counted(protocol, class)`` count it."""

    def __init__(self, refusals: Refusals, counted: Callable[[str, str], None]) -> None:
        self._refusals = refusals
        self._counted = counted
        self._full = False

    def __call__(self, entry: dict[str, Any]) -> None:
        if "reason_id" not in entry or "event" not in entry:
            return
        record = record_of(entry)
        self._counted(str(record.get("protocol", "")), str(record.get("outcome", "error")))
        try:
            self._refusals.keep(record)
        except OSError as error:
            if not self._full:
                what = f"refusals are not kept for mailhub explain: {error.strerror}"
                log.event("error", level="warn", what=what)
            self._full = True
        else:
            self._full = False


def record_of(entry: Mapping[str, Any]) -> Record:
    """What is kept of a log entry."""
    record: Record = {"time": entry.get("log_time", time.time()), "event": entry["event"]}
    record |= {key: _plain(value) for key, value in log.fields_of(entry).items()}
    if (failure := entry.get("log_failure")) is not None:
        record["traceback"] = failure.getTraceback()[-LONGEST_TRACEBACK:]
    if steps := entry.get("log_steps"):
        record["steps"] = [step_row(step) for step in steps[:MOST_STEPS]]
        if len(steps) > MOST_STEPS:
            record["steps_left_off"] = len(steps) - MOST_STEPS
    record["process"] = os.getpid()
    return record


def step_row(step: Step) -> Record:
    """A step as JSON can hold it."""
    return {"what": step.what} | {key: _plain(value) for key, value in step.facts.items()}


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping():
            some = list(value.items())[:MOST_ITEMS]
            return {str(key)[:LONGEST_FIELD]: _plain(item) for key, item in some}
        case list() | tuple() | set() | frozenset():
            return [_plain(item) for item in list(value)[:MOST_ITEMS]]
        case _:
            return str(value)[:LONGEST_FIELD]


def _packed(record: Record, room: int) -> bytes:
    """Compressed; the last steps, then the traceback, give way to what does not fit."""
    record = dict(record)
    while len(octets := _compressed(record)) > room:
        if record.get("steps"):
            record["steps"] = record["steps"][:-1]
            record["steps_left_off"] = record.get("steps_left_off", 0) + 1
        elif "traceback" in record and len(record["traceback"]) > LONGEST_FIELD:
            record["traceback"] = record["traceback"][len(record["traceback"]) // 2 :]
        else:  # forty fields of the longest kind: no event has that many
            record = {key: record[key] for key in ("time", "event", "reason_id")}
    return octets


def _compressed(record: Record) -> bytes:
    return zlib.compress(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace"), 1)


def _unpacked(octets: bytes) -> Record:
    record: Record = json.loads(zlib.decompress(octets))
    return record

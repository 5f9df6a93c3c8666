"""Events: what happened, in a form for people and one for machines.

``event("login.ok", conn=..., account=...)`` writes one event.  Its name stands in :data:`EVENTS`
with the sentence that a person reads; the fields are what a machine reads.  Secrets, SASL
responses and message text are never fields.  Everything else that Twisted or a library logs
passes through the same observers, so one file tells the whole story.

Usual fields: ``conn`` connection id, ``peer`` address of the client, ``protocol``, ``account``
address of the account, ``outcome``, ``reason_id`` what a refused client was shown.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import Any, Literal

from twisted.logger import ILogObserver, Logger, LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

Level = Literal["debug", "info", "warn", "error"]
Format = Literal["text", "json"]

EVENTS: Mapping[str, str] = {
    # connections
    "connection.opened": "connection from {peer}",
    "connection.closed": "closed after {seconds:.1f} s ({outcome})",
    "session.closed": "{account} left after {seconds:.0f} s; messages taken: {messages},"
    " octets in: {octets_in}, out: {octets_out}",
    "connection.refused": "refused {peer}: {reason}",
    "connection.timeout": "timed out: {reason}",
    "connection.stuck": "closed: the client took nothing for {seconds:.0f} s",
    "connection.crashed": "internal error; the connection was closed",
    "connection.proxy": "refused a connection from {peer}: {reason}",
    "session.dump": "last dialogue ({reason}):\n{dialogue}",
    "session.ended": "ended by the administrator",
    # TLS
    "tls.failed": "no TLS with {peer}: {reason}",
    "tls.unexpected": "{peer} speaks TLS on a port without it",
    "tls.expired": "certificate {path} has expired on {date}",
    "tls.loaded": "certificates read: {names}",
    "tls.reload_failed": "certificates not read again, the old ones stay: {reason}",
    "tls.created": "made a private CA and a certificate for {names}",
    # log-in
    "login.ok": "{account} logged in from {peer} ({mechanism}, {means})",
    "login.master": "{master} uses the account {account}, from {peer} ({mechanism})",
    "login.refused": "{user} from {peer} refused ({mechanism}): {reason} [{reason_id}] {detail}",
    "login.cancelled": "log-in from {peer} given up by the client ({mechanism})",
    "client.stale": "{peer} keeps presenting {what} of {user} ({mechanism})",
    "oauth.keys": "keys of {source}: {outcome}",
    "password.upgraded": "new verifiers stored for {account}",
    # directories
    "directory.server_down": "directory {directory}: {server} is left alone: {reason}",
    "directory.server_up": "directory {directory}: {server} is back after {seconds:.0f} s",
    "directory.notice": "directory {directory}: {what}: {reason}",
    "directory.unavailable": "directory {directory} cannot answer {question}: {reason}",
    "directory.helper": "the directory helper ended and is started again: {reason}",
    "directory.distrusted": "directory {directory} is distrusted: {losses} of {people} people are"
    " missing or suspended; nobody else is lost until mailhub directory trust {directory}",
    "directory.trusted": "directory {directory} is trusted again",
    "directory.walk_failed": "directory {directory} was not walked through: {reason}",
    "identity.adopted": "{account} is {person}'s of directory {directory}: {what}",
    "identity.changed": "{account}, {person} of directory {directory}: {what}",
    "identity.conflict": "{person} of directory {directory} does not get an address: {reason}",
    "identity.refused": "no account for {person} of directory {directory}: {reason}",
    "identity.displaced": "{account} is taken from {person} of directory {directory}, who has it"
    " no more; the mailbox stays",
    "identity.lost": "{account} is suspended: {person} is not in directory {directory} any more,"
    " or suspended there",
    "identity.purged": "{account} and its mail are deleted: {person} left directory {directory}"
    " long ago",
    # delivery and mail
    "recipient.refused": "mail from <{sender}> for {recipient} refused: {reason} [{reason_id}]"
    " {detail}",
    "delivery.filed": "mail from <{sender}> for {recipient} filed in {mailbox}",
    "delivery.refused": "mail from <{sender}> for {recipient} refused: {reason} [{reason_id}]"
    " {detail}",
    "mail.expunged": "expunged from {mailbox}: {count}",
    "mailbox.deleted": "mailbox {mailbox} deleted",
    "command.failed": "{command} failed: internal error [{reason_id}]",
    "command.refused": "{command} refused: {reason} [{reason_id}] {detail}",
    "bad.commands": "too many bad commands",
    # quota
    "quota.warning": "{account} has reached {threshold} % of its quota ({percent} %)",
    "quota.not_told": "the {kind} about the quota of {account} failed: {reason}",
    "quota.drift": "{account}: messages {messages}, ledger {ledger}, stored {stored}, hub {hub};"
    " wrong mailboxes: {mailboxes}, last entries: {entries}",
    "quota.older_file": "{account}: an older file than hub.db has heard of, which held {hub},"
    " and this {stored}; hub.db follows it",
    "quota.set": "{user} set the quota of {account}: {limits}",
    # store
    "store.opened": "store opened in {path}",
    "store.damaged": "{path} is damaged: {reason}",
    "store.fenced": "{path} fenced after an I/O error: {reason}",
    "store.checkpoint": "write-ahead log of {path} is {octets} octets",
    "store.journal": "the journal in {path}: {reason}",
    "store.replayed": "{path}: {count} messages that a power loss took are filed again",
    "store.full": "new mail is refused: {path} has {octets} octets left",
    "store.room": "new mail is taken again: {path} has {octets} octets left",
    "store.migrated": "{path} migrated from schema {old} to {new}",
    # the process
    "server.started": "mailhub {version} is ready",
    "server.stopping": "mailhub stops",
    "server.listening": "{protocol} on {address} ({tls})",
    "server.listen_failed": "cannot listen: {reason}",
    "server.accept_failed": "no connection can be taken in just now: {reason}",
    "server.reloaded": "configuration read again: {outcome}",
    "server.admin": "{action} by the administrator: {outcome}",
    "worker.started": "worker {worker} serves (process {pid})",
    "worker.ended": "worker {worker} (process {pid}) {reason}; another one in {seconds:.1f} s",
    "worker.failed": "worker {worker} cannot serve: {reason}",
    "worker.stuck": "worker {worker} has done nothing for {seconds:.0f} s and is ended",
    "error": "{what}",
}
"""Every event there is, and how a person reads it."""

_logger = Logger(namespace="mailhub")
_LEVELS = {"debug": 0, "info": 1, "warn": 2, "error": 3, "critical": 3}
_LOG_LEVELS: Mapping[str, Any] = {level.name: level for level in LogLevel.iterconstants()}
_NAMES: Mapping[Any, str] = {level: level.name for level in LogLevel.iterconstants()}
_heard: Level = "debug"
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # no i, l, o, u: ids are read out on the phone


class UnknownEvent(Exception):
    """A programming error: an event that EVENTS does not describe."""


def event(name: str, *, level: Level = "info", **fields: object) -> None:
    """Write the event *name*.  Fields its sentence mentions but that are not given read ``-``."""
    if name not in EVENTS:
        raise UnknownEvent(name)
    if not is_heard(level):
        return
    # What Logger.emit does, but for its look whether there is such a level.
    fields.update(
        event=name,
        log_logger=_logger,
        log_level=_LOG_LEVELS[level],
        log_namespace=_logger.namespace,
        log_source=None,
        log_format=EVENTS[name],
        log_time=time.time(),
    )
    globalLogPublisher(fields)


def hear_from(level: Level) -> None:
    """Nobody in this process wants events below *level*, so they need not be made at all."""
    global _heard
    _heard = level


def is_heard(level: Level) -> bool:
    return _LEVELS[level] >= _LEVELS[_heard]


def failure(name: str, reason: Failure, **fields: object) -> None:
    """Write the event *name* at level error, with the traceback of *reason*."""
    if name not in EVENTS:
        raise UnknownEvent(name)
    _logger.emit(LogLevel.error, EVENTS[name], event=name, log_failure=reason, **fields)


def short_id(length: int) -> str:
    """A random id of *length* characters that can be read out without mistakes."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def numbered_id(number: int, most: int) -> str:
    """A *number* below *most* in the signs of ids, always of the same length."""
    signs = ""
    while most > 1:
        number, sign = divmod(number, len(_ALPHABET))
        signs = _ALPHABET[sign] + signs
        most = -(-most // len(_ALPHABET))
    return signs


def new_reason_id() -> str:
    """What a refused client is shown, and the log entry about it carries: ``r-`` and 8 signs."""
    return "r-" + short_id(8)


# --- writing them -------------------------------------------------------------------------


class LogFile:
    """A log file that can be opened again after it was rotated away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = self._open()

    def write(self, line: str) -> None:
        # In one piece, so that lines of several processes never mix.
        self._file.write(line.encode("utf-8", "backslashreplace"))

    def reopen(self) -> None:
        """Open the file of that name anew; when this fails the old one is kept."""
        fresh = self._open()
        self._file.close()
        self._file = fresh

    def close(self) -> None:
        self._file.close()

    def _open(self) -> FileIO:
        # O_APPEND: several processes may write one file; 0640: names of people are in it.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        return FileIO(descriptor, "w")


class StandardError:
    """The stream for a server that has no log file.

    To be made before logging begins: Twisted then puts a logger in the place of ``sys.stderr``.
    """

    def __init__(self) -> None:
        self._stream = sys.stderr

    def write(self, line: str) -> None:
        self._stream.write(line)
        self._stream.flush()

    def reopen(self) -> None:
        """Nothing to open anew."""


def make_observer(
    output: LogFile | StandardError, format: Format = "text", level: Level = "info"
) -> ILogObserver:
    """An observer that writes events of at least *level* to *output*."""
    render = as_json if format == "json" else as_text
    return Observer(output.write, render, _LEVELS[level])


@implementer(ILogObserver)
class Observer:
    def __init__(
        self, write: Callable[[str], None], render: Callable[[dict[str, Any]], str], level: int
    ) -> None:
        self._write = write
        self._render = render
        self._level = level

    def __call__(self, entry: dict[str, Any]) -> None:
        if _LEVELS.get(_level(entry), 1) >= self._level:
            self._write(self._render(entry))


class _Fields(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "-"


def fields_of(entry: Mapping[str, Any]) -> dict[str, object]:
    """What the caller of :func:`event` gave, without Twisted's own keys."""
    return _Fields({k: v for k, v in entry.items() if not k.startswith("log_") and k != "event"})


def as_json(entry: dict[str, Any]) -> str:
    """One line: time, level, event, then the fields; other programs' entries as ``text``."""
    record: dict[str, object] = {"time": _time(entry), "level": _level(entry)}
    if "event" in entry:
        record["event"] = entry["event"]
        record.update(fields_of(entry))
    else:
        record["event"] = "other"
        record["text"] = formatEvent(entry)
        record["source"] = entry.get("log_namespace", "")
    if (reason := entry.get("log_failure")) is not None:
        record["traceback"] = reason.getTraceback()
    return json.dumps(record, ensure_ascii=False, default=str) + "\n"


def as_text(entry: dict[str, Any]) -> str:
    """``time level event [protocol conn] sentence``; a traceback follows indented."""
    if "event" in entry:
        fields = fields_of(entry)
        who = " ".join(str(fields[k]) for k in ("protocol", "conn") if fields.get(k))
        text = f"{entry['event']} " + (f"[{who}] " if who else "")
        text += _sentence(str(entry["log_format"]), fields)
    else:
        text = f"({entry.get('log_namespace', '-')}) {formatEvent(entry)}"
    if (reason := entry.get("log_failure")) is not None:
        text += "\n" + reason.getTraceback().rstrip()
    return f"{_time(entry)} {_level(entry):5} {_one_entry(text)}\n"


def as_sentence(name: str, fields: Mapping[str, object]) -> str:
    """What a person reads of the event *name* with these fields."""
    return _sentence(EVENTS.get(name, name), _Fields(fields))


def _sentence(format: str, fields: dict[str, object]) -> str:
    try:
        return format.format_map(fields).rstrip()
    except (ValueError, TypeError):  # a field of another type than the sentence expects
        return f"{format} {fields!r}"


def _one_entry(text: str) -> str:
    """Continuation lines are indented, and control characters shown: no forged entries."""
    if text.isprintable():  # nearly always
        return text
    lines = text.split("\n")
    return "\n    ".join(
        "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
        for line in lines
    )


def _time(entry: Mapping[str, Any]) -> str:
    seconds, microseconds = divmod(round(entry.get("log_time", 0.0) * 1_000_000), 1_000_000)
    return f"{_second(seconds)}.{microseconds // 1000:03d}Z"


@lru_cache(16)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _level(entry: Mapping[str, Any]) -> str:
    return _NAMES.get(entry.get("log_level"), "info")

"""Refusals are kept with all that is known about them, whatever happens meanwhile."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.python.failure import Failure

from mailhub.model.steps import Step
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.refusals import RefusalObserver, Refusals
from tests.events import Events

REFUSED = {
    "log_time": 1000.0,
    "event": "login.refused",
    "protocol": "imap",
    "peer": "192.0.2.1",
    "user": "alice",
    "outcome": "BadCredentials",
    "reason_id": "r-00000001",
}


class Kept:
    def __init__(self, data: DataDir) -> None:
        self.counted: list[tuple[str, str]] = []
        self.refusals = Refusals(data)
        self._observer = RefusalObserver(self.refusals, lambda *what: self.counted.append(what))

    def __call__(self, **fields: object) -> None:
        self._observer(REFUSED | fields)


@pytest.fixture
def kept(data: DataDir) -> Iterator[Kept]:
    kept = Kept(data)
    yield kept
    kept.refusals.close()


def test_an_event_with_a_reason_id_is_kept_with_its_steps_and_counted(kept: Kept) -> None:
    kept(log_steps=[Step("search", {"filter": "(uid=alice)", "ms": 1.5, "groups": {"staff"}})])

    record = kept.refusals.find("r-00000001")
    assert record is not None
    assert (record["time"], record["user"], record["peer"]) == (1000.0, "alice", "192.0.2.1")
    assert record["steps"] == [
        {"what": "search", "filter": "(uid=alice)", "ms": 1.5, "groups": ["staff"]}
    ]
    assert kept.counted == [("imap", "BadCredentials")]


def test_other_events_are_not(kept: Kept) -> None:
    observer = RefusalObserver(kept.refusals, lambda *what: None)
    observer({"event": "login.ok", "log_time": 1.0})
    observer({"log_format": "something of a library", "log_time": 1.0})
    assert kept.refusals.recent() == []


def test_an_internal_error_is_kept_with_the_end_of_its_traceback(kept: Kept) -> None:
    try:
        raise ZeroDivisionError("the reason")
    except ZeroDivisionError:
        kept(event="command.failed", log_failure=Failure())
    record = kept.refusals.find("r-00000001")
    assert record is not None
    assert "ZeroDivisionError: the reason" in record["traceback"]


def test_two_events_of_one_id_are_told_together(kept: Kept) -> None:
    kept(event="command.failed", command="delivery", log_failure=Failure(ValueError("why")))
    kept(event="delivery.refused", recipient="alice@example.org", outcome="Unavailable")
    record = kept.refusals.find("r-00000001")
    assert record is not None
    assert (record["event"], record["recipient"]) == ("command.failed", "alice@example.org")
    assert "why" in record["traceback"]


def test_what_does_not_fit_gives_way_last_steps_first(kept: Kept) -> None:
    steps = [Step("look", {"at": f"{n:04}" * 80, "n": n * 7919}) for n in range(2000)]
    kept(log_steps=steps, detail="x" * 5000)
    record = kept.refusals.find("r-00000001")
    assert record is not None
    assert record["user"] == "alice"
    assert record["steps"][0]["n"] == 0
    assert record["steps_left_off"] == 2000 - len(record["steps"])
    assert len(record["detail"]) == 300


def test_a_storm_of_mail_for_nobody_does_not_push_log_ins_out(kept: Kept) -> None:
    kept()
    for n in range(5000):
        kept(event="recipient.refused", reason_id=f"r-{n:08x}x", log_time=2000.0 + n)
    assert kept.refusals.find("r-00000001") is not None
    assert len(kept.refusals.recent()) <= 4096 + 1
    assert kept.refusals.recent()[0]["reason_id"] == "r-00001387x"


def test_odd_names_from_clients_are_kept(kept: Kept) -> None:
    kept(user="\udcff\0\n\U0001f600" * 100)
    record = kept.refusals.find("r-00000001")
    assert record is not None
    assert "\U0001f600" in record["user"]


def test_a_full_disk_is_told_once_and_refuses_nobody(
    kept: Kept, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("mailhub.store.hub.slots.os.pwrite", full)
        kept()
        kept()
    assert "No space left" in events["error"]["what"]
    kept()
    assert kept.refusals.find("r-00000001") is not None

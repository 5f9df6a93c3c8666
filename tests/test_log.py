"""Events: the table, the two formats, log files."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from mailhub import log
from tests.events import Events

MAILHUB = Path(log.__file__).parent


def an_entry(**fields: object) -> dict[str, Any]:
    return {
        "log_time": 1_700_000_000.25,
        "log_level": LogLevel.info,
        "log_format": log.EVENTS["login.ok"],
        "log_namespace": "mailhub",
        "event": "login.ok",
        "conn": "k3f1",
        "protocol": "imap",
        "account": "alice@example.org",
        "peer": "192.0.2.1",
        "mechanism": "PLAIN",
        "means": "password",
        **fields,
    }


def a_failure() -> Failure:
    try:
        raise ZeroDivisionError("oh no")
    except ZeroDivisionError:
        return Failure()


# --- the table ---


def test_an_event_that_is_not_in_the_table_is_a_programming_error() -> None:
    with pytest.raises(log.UnknownEvent):
        log.event("no.such.thing")
    with pytest.raises(log.UnknownEvent):
        log.failure("no.such.thing", a_failure())


def test_every_event_in_the_code_is_in_the_table() -> None:
    used: set[tuple[str, str]] = set()
    for module in MAILHUB.rglob("*.py"):
        calls = re.findall(r"\b(?:event|failure)\(\s*\"([a-z.]+)\"", module.read_text())
        used.update((module.name, name) for name in calls)

    assert used
    assert {name for _, name in used} <= log.EVENTS.keys()


def test_sentences_name_fields_only() -> None:
    for sentence in log.EVENTS.values():
        for _, field, _, _ in string.Formatter().parse(sentence):
            assert field is None or field.isidentifier()


def test_an_event_has_its_name_level_and_fields(events: Events) -> None:
    log.event("login.ok", level="warn", account="alice@example.org")
    entry = events["login.ok"]

    assert entry["account"] == "alice@example.org"
    assert entry["log_level"] is LogLevel.warn
    assert entry["log_namespace"] == "mailhub"


# --- text ---


def test_text_is_a_sentence_with_time_level_and_connection() -> None:
    assert log.as_text(an_entry()) == (
        "2023-11-14T22:13:20.250Z info  login.ok [imap k3f1] "
        "alice@example.org logged in from 192.0.2.1 (PLAIN, password)\n"
    )


def test_fields_that_were_not_given_read_as_a_dash() -> None:
    entry = an_entry()
    del entry["mechanism"]

    assert log.as_text(entry).endswith("from 192.0.2.1 (-, password)\n")


def test_a_field_of_an_odd_type_does_not_lose_the_event() -> None:
    entry = an_entry(event="connection.closed", log_format=log.EVENTS["connection.closed"])

    assert "'account': 'alice@example.org'" in log.as_text(entry | {"seconds": "many"})


def test_a_traceback_follows_indented() -> None:
    lines = log.as_text(an_entry(log_failure=a_failure())).splitlines()

    assert len(lines) > 2
    assert all(line.startswith("    ") for line in lines[1:])
    assert "ZeroDivisionError: oh no" in lines[-1]


@given(st.text())
def test_no_client_can_forge_an_entry(text: str) -> None:
    lines = log.as_text(an_entry(account=text))[:-1].split("\n")

    assert all(line.startswith("    ") for line in lines[1:])
    assert "\r" not in "".join(lines)
    assert "\x1b" not in "".join(lines)


def test_what_libraries_log_is_kept(events: Events) -> None:
    Logger(namespace="somebody.else").info("{what} happened", what="something")

    assert "(somebody.else) something happened\n" in log.as_text(events[-1])
    assert json.loads(log.as_json(events[-1]))["text"] == "something happened"


# --- JSON ---


def test_json_is_one_object_with_the_fields_as_they_are() -> None:
    assert json.loads(log.as_json(an_entry(port=4711))) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "info",
        "event": "login.ok",
        "conn": "k3f1",
        "protocol": "imap",
        "account": "alice@example.org",
        "peer": "192.0.2.1",
        "mechanism": "PLAIN",
        "means": "password",
        "port": 4711,
    }


@given(st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.text() | st.binary()))
def test_any_fields_make_one_line_of_json(fields: dict[str, object]) -> None:
    line = log.as_json(an_entry(**fields))

    assert line.count("\n") == 1
    assert json.loads(line)["time"]


def test_json_carries_the_traceback() -> None:
    record = json.loads(log.as_json(an_entry(log_failure=a_failure())))

    assert "ZeroDivisionError: oh no" in record["traceback"]


# --- observers and files ---


def test_events_below_the_level_are_left_out(tmp_path: Path) -> None:
    file = log.LogFile(tmp_path / "log")
    observer = log.make_observer(file, "json", "warn")
    for level in (LogLevel.debug, LogLevel.info, LogLevel.warn, LogLevel.critical):
        observer(an_entry(log_level=level))
    file.close()
    lines = (tmp_path / "log").read_text().splitlines()

    assert [json.loads(line)["level"] for line in lines] == ["warn", "critical"]


def test_a_log_file_is_opened_anew_after_it_was_rotated_away(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = log.LogFile(path)
    file.write("before\n")
    path.rename(tmp_path / "log.1")
    file.write("still the old one\n")
    file.reopen()
    file.write("after\n")
    file.close()

    assert (tmp_path / "log.1").read_text() == "before\nstill the old one\n"
    assert path.read_text() == "after\n"


def test_when_the_file_cannot_be_opened_anew_the_old_one_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    file = log.LogFile(folder / "log")
    folder.rename(tmp_path / "gone")
    with pytest.raises(OSError, match="No such file"):
        file.reopen()
    file.write("not lost\n")
    file.close()

    assert (tmp_path / "gone" / "log").read_text() == "not lost\n"


def test_a_log_file_is_not_for_everybody(tmp_path: Path) -> None:
    log.LogFile(tmp_path / "log").close()

    assert (tmp_path / "log").stat().st_mode & 0o007 == 0


def test_without_a_file_the_log_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    output = log.StandardError()
    log.make_observer(output)(an_entry())
    output.reopen()

    assert "alice@example.org logged in" in capsys.readouterr().err


def test_reason_ids_can_be_read_out() -> None:
    ids = {log.new_reason_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(re.fullmatch("r-[0-9abcdefghjkmnpqrstvwxyz]{8}", each) for each in ids)


def test_events_that_nobody_hears_are_not_made(events: Events) -> None:
    log.hear_from("warn")
    try:
        log.event("server.stopping")
        log.event("error", level="warn", what="something")
    finally:
        log.hear_from("debug")
    log.event("server.stopping", level="debug")

    assert [entry["event"] for entry in events] == ["error", "server.stopping"]

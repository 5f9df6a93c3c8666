"""IMAP beside POP3 from log files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from mailhub.bench.live import MAX_RANGES, NotEvents, Report, read
from mailhub.bench.livepage import live_page


def log_in(account: str = "a@example.org", protocol: str = "pop3", **fields: Any) -> dict[str, Any]:
    return {
        "time": "2026-02-07T10:00:00.000Z",
        "event": "login.ok",
        "account": account,
        "protocol": protocol,
        "peer": "192.0.2.1",
        **fields,
    }


def session(
    retrieved: str = "", account: str = "a@example.org", protocol: str = "pop3", **fields: Any
) -> dict[str, Any]:
    numbers = [tuple(map(int, part.split(":"))) for part in retrieved.split(",") if part]
    return {
        **log_in(account, protocol),
        "event": "session.closed",
        "seconds": 3.5,
        "octets_in": 100,
        "octets_out": 1000,
        "messages": sum(n[-1] - n[0] + 1 for n in numbers),
        "retrieved": {"1": retrieved} if retrieved else {},
        "retrieved_partly": False,
        **fields,
    }


def report(*events: dict[str, Any]) -> Report:
    made = Report()
    for event in events:
        made.add(event)
    return made


@pytest.mark.parametrize(
    "line",
    [
        "",
        "not json",
        "[]",
        "7",
        '{"event": "session.closed"',
        '{"event": "session.closed", "protocol": "pop3", "account": "x", "retrieved": 5}',
        '{"event": "session.closed", "protocol": "pop3", "account": "x", "retrieved": {"1": "a"}}',
        '{"event": "session.closed", "protocol": "pop3", "account": "x", "seconds": "long"}',
        '{"event": "session.closed", "protocol": ["pop3"], "account": "x"}',
        '{"event": "login.ok", "protocol": "lmtp", "account": "x"}',
    ],
)
def test_lines_that_are_no_sessions_change_nothing_for_others(tmp_path: Path, line: str) -> None:
    path = tmp_path / "log"
    path.write_text(f"{json.dumps(session('1:3'))}\n{line}\n{json.dumps(session('4:6'))}\n")
    use = read([path]).uses["pop3"]["a@example.org"]
    assert (use.sessions, use.messages, use.again) == (2, 6, 0)


def test_a_log_written_as_text_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("2026-02-07T21:52:25.113Z info  login.ok [imap 7w81] alice logged in\n" * 30)
    with pytest.raises(NotEvents, match='format = "json"'):
        read([path])


def test_messages_taken_by_a_second_session_are_taken_again() -> None:
    made = report(session("1:10"), session("1:12"), session("13"))
    totals = made.totals("pop3")
    assert (totals["messages"], totals["messages_again"]) == (23, 10)
    assert totals["octets_again"] == round(1000 * 10 / 12)


def test_a_message_taken_twice_in_one_session_is_taken_again() -> None:
    assert report(session("1:5", messages=8)).totals("pop3")["messages_again"] == 3


def test_of_mailboxes_and_protocols_and_accounts_each_is_by_itself() -> None:
    made = report(
        session("1:10"),
        session("1:10", protocol="imap"),
        session("1:10", account="b@example.org"),
        {**session("1:10"), "retrieved": {"2": "1:10"}},
    )
    assert made.totals("pop3")["messages_again"] == 0
    assert made.totals("imap")["messages_again"] == 0


def test_a_session_that_knows_its_messages_only_partly_accuses_nobody() -> None:
    made = report(session("1:10"), session("1:10", messages=500, retrieved_partly=True))
    assert made.totals("pop3")["messages_again"] == 0


def test_what_is_kept_for_scattered_downloads_is_bounded() -> None:
    made = Report()
    for first in range(0, MAX_RANGES * 3, 50):
        made.add(session(",".join(str(2 * n + 1) for n in range(first, first + 50))))
    (known,) = made.uses["pop3"]["a@example.org"]._known.values()
    assert len(known.ranges) == MAX_RANGES


def test_who_downloads_again_from_two_places_is_told_why_imap_is_better() -> None:
    made = report(
        log_in(),
        log_in(peer="192.0.2.2"),
        session("1:50"),
        session("1:50"),
        session("51", account="new@example.org"),
    )
    (found,) = made.better_off()
    assert found["account"] == "a@example.org"
    assert [reason.split()[0] for reason in found["reasons"]] == ["downloads", "comes"]
    assert "50 of 100 messages" in found["reasons"][0]


def test_who_looks_in_vain_all_day_is_told_of_idle() -> None:
    (found,) = report(*[session() for _ in range(30)]).better_off()
    assert "logged in 30 times, 30 times for nothing" in found["reasons"][0]


def test_who_uses_both_is_told_what_pop3_takes_away() -> None:
    (found,) = report(session("1"), session("2", protocol="imap")).better_off()
    assert found["reasons"][0].startswith("uses IMAP as well")


def test_who_fetches_new_mail_once_is_left_alone() -> None:
    assert report(*[session(str(n)) for n in range(1, 50)]).better_off() == []


def test_rotated_files_are_read_and_events_before_the_time_are_not(tmp_path: Path) -> None:
    old = tmp_path / "log.1.gz"
    with gzip.open(old, "wt") as file:
        file.write(json.dumps(session("1:2", time="2026-01-01T00:00:00.000Z")) + "\n")
        file.write(json.dumps(session("3:4")) + "\n")
    new = tmp_path / "log"
    new.write_text(json.dumps(session("5")) + "\n")
    assert read([old, new]).totals("pop3")["messages"] == 5
    assert read([old, new], "2026-02-01").totals("pop3")["messages"] == 3


def test_the_page_shows_names_as_text_and_needs_nothing_from_elsewhere() -> None:
    hostile = '<script>alert("x")</script>@example.org'
    page = live_page(report(*[session(account=hostile) for _ in range(30)]).document())
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http:" not in page
    assert "https:" not in page
    assert "Nobody" in live_page(report(session("1")).document())

"""IMAP beside POP3 in real use, from the events in log files.

Events are read one by one; what is kept is a few numbers for each account and protocol, however
long the log is.  Which messages were taken again is seen by comparing the UIDs that the sessions
of one account have taken over one protocol.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, cast

from mailhub.bench.steps import BenchError
from mailhub.model.numbers import NumberSet

PROTOCOLS = ("imap", "pop3")
MAX_RANGES = 1000
"""Kept for each mailbox; of more scattered ones the highest."""
MAX_PEERS = 20
_HEAD = 20


@dataclass(slots=True)
class Use:
    """What one account has done over one protocol."""

    log_ins: int = 0
    sessions: int = 0
    empty: int = 0
    """Sessions in which no message was taken."""
    seconds: float = 0.0
    octets_in: int = 0
    octets_out: int = 0
    messages: int = 0
    again: int = 0
    octets_again: float = 0.0
    peers: set[str] = field(default_factory=set)
    _known: dict[str, NumberSet] = field(default_factory=dict)

    def session(self, event: dict[str, Any]) -> None:
        messages = _integer(event, "messages")
        octets = _integer(event, "octets_out")
        self.sessions += 1
        self.empty += not messages
        self.seconds += float(event.get("seconds") or 0.0)
        self.octets_in += _integer(event, "octets_in")
        self.octets_out += octets
        self.messages += messages
        # Whoever fetches a message twice in one session has taken it again as well.
        again = messages
        for mailbox, text in cast("dict[str, str]", event.get("retrieved") or {}).items():
            again -= self._new(mailbox, _parsed(text))
        if event.get("retrieved_partly"):
            again = 0  # which messages these were is not known
        self.again += max(0, again)
        self.octets_again += octets * max(0, again) / messages if messages else 0.0

    def _new(self, mailbox: str, taken: NumberSet) -> int:
        """How many of *taken* had not been taken before; they have been now."""
        known = self._known.get(mailbox, NumberSet())
        joined = known | taken
        self._known[mailbox] = NumberSet(joined.ranges[-MAX_RANGES:])
        return len(taken - known)


@dataclass(slots=True)
class Report:
    """Everything that was read."""

    first: str = ""
    last: str = ""
    events: int = 0
    uses: dict[str, dict[str, Use]] = field(default_factory=lambda: {p: {} for p in PROTOCOLS})

    def add(self, event: dict[str, Any]) -> None:
        accounts = self.uses.get(str(event.get("protocol")))
        account = event.get("account")
        if accounts is None or not account:
            return
        if event["event"] not in ("login.ok", "session.closed"):
            return
        use = accounts.setdefault(str(account), Use())
        when = str(event.get("time", ""))
        self.first, self.last = self.first or when, when
        self.events += 1
        if event["event"] == "session.closed":
            use.session(event)
            return
        use.log_ins += 1
        if len(use.peers) < MAX_PEERS:
            use.peers.add(str(event.get("peer", "")))

    def totals(self, protocol: str) -> dict[str, Any]:
        uses = list(self.uses[protocol].values())
        return {
            "users": len(uses),
            "sessions": sum(use.sessions for use in uses),
            "sessions_without_mail": sum(use.empty for use in uses),
            "hours_connected": round(sum(use.seconds for use in uses) / 3600, 2),
            "octets_in": sum(use.octets_in for use in uses),
            "octets_out": sum(use.octets_out for use in uses),
            "messages": sum(use.messages for use in uses),
            "messages_again": sum(use.again for use in uses),
            "octets_again": round(sum(use.octets_again for use in uses)),
        }

    def better_off(self) -> list[dict[str, Any]]:
        """The users of POP3 for whom IMAP would be better, with the reasons; worst first."""
        found = []
        for account, use in self.uses["pop3"].items():
            if reasons := list(_reasons(use, self.uses["imap"].get(account))):
                found.append(
                    {
                        "account": account,
                        "reasons": reasons,
                        "sessions": use.sessions,
                        "octets_out": use.octets_out,
                        "messages": use.messages,
                        "messages_again": use.again,
                        "octets_again": round(use.octets_again),
                    }
                )
        return sorted(found, key=lambda row: (-row["octets_again"], -row["sessions"]))

    def document(self) -> dict[str, Any]:
        return {
            "kind": "live",
            "from": self.first,
            "to": self.last,
            "protocols": {name: self.totals(name) for name in PROTOCOLS},
            "better_off_with_imap": self.better_off(),
        }


MIN_AGAIN, AGAIN_SHARE = 10, 0.2
MIN_LOOKS, EMPTY_SHARE = 20, 0.8


def _reasons(use: Use, imap: Use | None) -> Iterator[str]:
    if use.again >= MIN_AGAIN and use.again >= AGAIN_SHARE * use.messages:
        yield (
            f"downloads the same mail again: {use.again} of {use.messages} messages;"
            " IMAP leaves them on the server and fetches each once"
        )
    if len(use.peers) > 1 and use.again:
        yield (
            f"comes from {_at_least(len(use.peers))} addresses, probably with several devices;"
            " with IMAP they see the same folders and flags"
        )
    if imap is not None and imap.log_ins + imap.sessions:
        yield "uses IMAP as well: what POP3 deletes is gone from there, what is read is not marked"
    if use.sessions >= MIN_LOOKS and use.empty >= EMPTY_SHARE * use.sessions:
        yield (
            f"logged in {use.sessions} times, {use.empty} times for nothing;"
            " IDLE tells at once and costs no log-in"
        )


def _at_least(peers: int) -> str:
    return f"{peers} or more" if peers == MAX_PEERS else str(peers)


def _integer(event: dict[str, Any], key: str) -> int:
    value = event.get(key)
    return value if isinstance(value, int) else 0


def _parsed(text: str) -> NumberSet:
    """Ranges as the event has them.  Raises ValueError for anything else."""
    parts = [part.split(":") for part in text.split(",") if part]
    return NumberSet.of_ranges([(int(part[0]), int(part[-1])) for part in parts])


# --- reading ----------------------------------------------------------------------------------


class NotEvents(BenchError):
    """A file that is no log in JSON."""


def read(files: Iterable[Path], since: str = "") -> Report:
    """Add up all events of *files*, oldest file first.  Raises NotEvents, OSError."""
    report = Report()
    for path in files:
        with _opened(path) as lines:
            for event in _events(path, lines):
                if str(event.get("time", "")) >= since:
                    _add(report, event)
    return report


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", errors="replace")
    return path.open(encoding="utf-8", errors="replace")


def _add(report: Report, event: dict[str, Any]) -> None:
    try:
        report.add(event)
    except (ValueError, TypeError, AttributeError):
        return  # not written by us: a line like any other that is not about sessions


def _events(path: Path, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The events of one file; single lines that are none (cut off, of others) are passed over."""
    readable = 0
    for number, line in enumerate(lines):
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict) and "event" in event:
            readable += 1
            yield event
        elif number >= _HEAD and not readable:
            raise NotEvents(
                f'{path} is not a log in JSON: set [log] format = "json", or see journalctl -o cat'
            )

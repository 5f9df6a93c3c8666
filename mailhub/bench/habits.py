"""What people's mail programs do, once over IMAP and once over POP3.

Each habit is a pair of scripts with the same outcome for the person.  An IMAP program stays
connected where a POP3 program cannot: a maildrop is as it was at log-in (RFC 1939 4), so every
look is a new connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from mailhub.bench.connection import Connection
from mailhub.bench.imap import Imap
from mailhub.bench.job import Part
from mailhub.bench.pop3 import Pop3
from mailhub.bench.reading import LIST
from mailhub.bench.steps import GATE, Steps

NEW, DELETED = 10, 10


@dataclass(frozen=True, slots=True)
class Habit:
    """*kept*: the IMAP program is connected already.  *fresh*: messages that arrive before."""

    name: str
    title: str
    imap: Callable[[Part, Imap], Steps[None]]
    pop3: Callable[[Part, Pop3], Steps[None]]
    kept: bool = True
    fresh: int = 0
    large: bool = False


def _all_imap(part: Part, imap: Imap) -> Steps[None]:
    yield from imap.command(b"SELECT INBOX")
    yield from imap.command(b"UID FETCH 1:* (FLAGS BODY.PEEK[])")


def _all_pop3(part: Part, pop3: Pop3) -> Steps[None]:
    count = yield from pop3.stat()
    yield from pop3.listing(b"UIDL")
    for place in range(1, count + 1):
        yield from pop3.listing(b"RETR %d" % place)


def _list_imap(part: Part, imap: Imap) -> Steps[None]:
    yield from imap.command(b"SELECT INBOX")
    yield from imap.command(LIST)


def _list_pop3(part: Part, pop3: Pop3) -> Steps[None]:
    count = yield from pop3.stat()
    yield from pop3.listing(b"UIDL")
    yield from pop3.listing(b"LIST")
    for place in range(1, count + 1):
        yield from pop3.listing(b"TOP %d 0" % place)


def _look_imap(part: Part, imap: Imap) -> Steps[None]:
    yield from imap.command(b"NOOP")


def _look_anew_imap(part: Part, imap: Imap) -> Steps[None]:
    yield from imap.command(b"SELECT INBOX")


def _look_pop3(part: Part, pop3: Pop3) -> Steps[None]:
    yield from pop3.stat()
    yield from pop3.listing(b"UIDL")


def _fetch_imap(part: Part, imap: Imap) -> Steps[None]:
    present = part.options["messages"]
    yield from imap.command(b"NOOP")
    yield from imap.command(b"FETCH %d:* (UID FLAGS BODY.PEEK[])" % (present - NEW + 1))


def _fetch_pop3(part: Part, pop3: Pop3) -> Steps[None]:
    count = yield from pop3.stat()
    yield from pop3.listing(b"UIDL")
    for place in range(count - NEW + 1, count + 1):
        yield from pop3.listing(b"RETR %d" % place)


def _text_imap(part: Part, imap: Imap) -> Steps[None]:
    yield from imap.command(b"FETCH * (UID BODYSTRUCTURE)")
    yield from imap.command(b"FETCH * (BODY.PEEK[HEADER] BODY.PEEK[1])")


def _whole_imap(part: Part, imap: Imap) -> Steps[None]:
    yield from imap.command(b"FETCH * (UID BODY.PEEK[])")


def _last_pop3(part: Part, pop3: Pop3) -> Steps[None]:
    count = yield from pop3.stat()
    yield from pop3.listing(b"RETR %d" % count)


def _delete_imap(part: Part, imap: Imap) -> Steps[None]:
    yield from imap.command(b"STORE 1:%d +FLAGS.SILENT (\\Deleted)" % DELETED)
    yield from imap.command(b"EXPUNGE")


def _delete_pop3(part: Part, pop3: Pop3) -> Steps[None]:
    for place in range(1, DELETED + 1):
        yield from pop3.command(b"DELE %d" % place)


HABITS = (
    Habit("first-all", "first synchronisation, all mail", _all_imap, _all_pop3, kept=False),
    Habit("first-list", "first look, headers only", _list_imap, _list_pop3, kept=False),
    Habit("poll", "poll with nothing new", _look_imap, _look_pop3),
    Habit(
        "poll-anew", "poll with nothing new, not connected", _look_anew_imap, _look_pop3, kept=False
    ),
    Habit("poll-ten", "poll with ten new messages", _fetch_imap, _fetch_pop3, fresh=NEW),
    Habit("read-text", "read the text of a large message", _text_imap, _last_pop3, large=True),
    Habit("read-whole", "read a large message whole", _whole_imap, _last_pop3, large=True),
    Habit("delete", "delete ten messages", _delete_imap, _delete_pop3),
)


def imap_client(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)
    return imap, _imap(part, imap, number, _habit(part))


def _imap(part: Part, imap: Imap, number: int, habit: Habit) -> Steps[None]:
    if habit.kept:
        yield from imap.log_in(number)
        yield from imap.command(b"SELECT INBOX")
    yield GATE
    began = time.monotonic()
    if not habit.kept:
        yield from imap.log_in(number)
    yield from habit.imap(part, imap)
    if not habit.kept:
        yield from imap.command(b"LOGOUT")
    part.unit(began)
    yield GATE
    if habit.kept:
        yield from imap.command(b"LOGOUT")
    yield from imap.finish()


def pop3_client(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    pop3 = Pop3(part.target, part.counts)
    return pop3, _pop3(part, pop3, number, _habit(part))


def _pop3(part: Part, pop3: Pop3, number: int, habit: Habit) -> Steps[None]:
    yield GATE
    began = time.monotonic()
    yield from pop3.log_in(number)
    yield from habit.pop3(part, pop3)
    yield from pop3.command(b"QUIT")
    part.unit(began)
    yield GATE
    yield from pop3.finish()


def _habit(part: Part) -> Habit:
    return next(habit for habit in HABITS if habit.name == part.options["habit"])

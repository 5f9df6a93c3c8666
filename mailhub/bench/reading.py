"""Workloads that read: SELECT, FETCH, SEARCH, SORT in one session, single bodies in sixteen."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence

from mailhub.bench.connection import Connection
from mailhub.bench.imap import Imap
from mailhub.bench.job import Job, Part, Phase
from mailhub.bench.setting import BIG, Figure, Setting
from mailhub.bench.steps import GATE, Steps

LIST = b"FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"
FIELDS = b"FROM TO CC SUBJECT DATE MESSAGE-ID REFERENCES IN-REPLY-TO"
BODIES = 5000


def session(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)
    return imap, _session(part, imap)


def _session(part: Part, imap: Imap) -> Steps[None]:
    """Select the big mailbox, then give the command so many times."""
    yield from imap.log_in(0)
    yield from imap.command(b"SELECT " + BIG)
    yield GATE
    for _ in range(part.options["times"]):
        began = time.monotonic()
        yield from imap.command(part.options["command"])
        part.unit(began)
    yield GATE
    yield from imap.log_out()


def _repeat(setting: Setting, command: bytes, times: int = 5) -> Phase:
    job = Job(session, options={"command": command, "times": times}, spread=False)
    return setting.crew.run(job)[1]


def _per_second(setting: Setting, command: bytes, count: int) -> Figure:
    phase = _repeat(setting, command, 3)
    return Figure(count / statistics.median(phase.seconds), phase, best=count / min(phase.seconds))


def _milliseconds(phase: Phase) -> Figure:
    seconds = phase.seconds
    return Figure(1e3 * statistics.median(seconds), phase, best=1e3 * min(seconds))


def fetch_flags(setting: Setting) -> Figure:
    return _per_second(setting, b"FETCH 1:* (UID FLAGS)", setting.messages)


def fetch_list(setting: Setting) -> Figure:
    return _per_second(setting, LIST, setting.messages)


def fetch_fields(setting: Setting) -> Figure:
    command = b"FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (%b)])" % FIELDS
    return _per_second(setting, command, setting.messages)


def fetch_bodies(setting: Setting) -> Figure:
    phase = _repeat(setting, b"UID FETCH 1:%d (BODY.PEEK[])" % BODIES, 3)
    octets = phase.received / len(phase.seconds) / 1e6
    return Figure(
        octets / statistics.median(phase.seconds), phase, best=octets / min(phase.seconds)
    )


def search_since(setting: Setting) -> Figure:
    # Mail is 7 minutes apart: about the newer half.
    day = time.strftime("%d-%b-%Y", time.gmtime(1_736_150_400 + setting.messages * 210))
    return _milliseconds(_repeat(setting, b"SEARCH SENTSINCE %b" % day.encode()))


def search_received(setting: Setting) -> Figure:
    return _milliseconds(_repeat(setting, b"SEARCH SINCE 1-Jan-2020"))


def search_flags(setting: Setting) -> Figure:
    return _milliseconds(_repeat(setting, b"SEARCH UNSEEN FLAGGED"))


def search_subject(setting: Setting) -> Figure:
    return _milliseconds(_repeat(setting, b'SEARCH SUBJECT "invoice"'))


def sort(setting: Setting) -> Figure:
    return _milliseconds(_repeat(setting, b"SORT (REVERSE DATE) UTF-8 ALL"))


def select_again(setting: Setting) -> Figure:
    return _milliseconds(_repeat(setting, b"SELECT " + BIG, 50))


def select_first(setting: Setting) -> Figure:
    return _milliseconds(setting.crew.run(Job(_new_sessions, spread=False))[1])


def _new_sessions(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)

    def steps() -> Steps[None]:
        yield GATE
        for _ in range(20):
            yield from imap.log_in(0)
            began = time.monotonic()
            yield from imap.command(b"SELECT " + BIG)
            part.unit(began)
            yield from imap.log_out()
        yield GATE

    return imap, steps()


def random_bodies(setting: Setting) -> Figure:
    options = {"messages": setting.messages, "seed": setting.seed}
    phase = setting.crew.run(Job(_single_bodies, 16, setting.seconds, options))[1]
    return Figure.rate(phase)


def _single_bodies(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)
    chosen = random.Random(f"{part.options['seed']}/{number}")

    def steps() -> Steps[None]:
        yield from imap.log_in(0)
        yield from imap.command(b"SELECT " + BIG)
        yield GATE
        while part.running():
            began = time.monotonic()
            place = chosen.randint(1, part.options["messages"])
            yield from imap.command(b"FETCH %d (UID BODY.PEEK[])" % place)
            part.unit(began)
        yield GATE
        yield from imap.log_out()

    return imap, steps()


def as_set(numbers: Sequence[int]) -> bytes:
    return b",".join(b"%d" % number for number in numbers)

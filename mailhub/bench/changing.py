"""Workloads that change many messages by one command, and a client that learns what changed."""

from __future__ import annotations

import statistics
import time

from mailhub.bench.connection import Connection
from mailhub.bench.imap import Imap
from mailhub.bench.job import Job, Part
from mailhub.bench.reading import as_set
from mailhub.bench.setting import BIG, Figure, Setting, recreate
from mailhub.bench.steps import GATE, Steps

MOVED = 10_000
CHANGED, EXPUNGED = 1000, 500
COPIED, GONE, RESYNC = b"bench-copied", b"bench-moved", b"bench-resync"


def store(setting: Setting) -> Figure:
    phase = setting.crew.run(Job(_store, spread=False))[1]
    count = setting.messages
    return Figure(count / statistics.median(phase.seconds), phase, best=count / min(phase.seconds))


def _store(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)

    def steps() -> Steps[None]:
        yield from imap.log_in(0)
        yield from imap.command(b"SELECT " + BIG)
        yield GATE
        for _ in range(3):
            began = time.monotonic()
            yield from imap.command(b"UID STORE 1:* +FLAGS.SILENT (\\Answered)")
            part.unit(began)
            yield from imap.command(b"UID STORE 1:* -FLAGS.SILENT (\\Answered)")
        yield GATE
        yield from imap.log_out()

    return imap, steps()


def copy(setting: Setting) -> Figure:
    return _moved(setting, 1)


def move(setting: Setting) -> Figure:
    return _moved(setting, 3)


def expunge(setting: Setting) -> Figure:
    return _moved(setting, 5)


def _moved(setting: Setting, place: int) -> Figure:
    count = min(MOVED, setting.messages)
    phase = setting.crew.run(Job(_move, options={"count": count}, spread=False))[place]
    return Figure(count / phase.elapsed, phase)


def _move(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)

    def steps() -> Steps[None]:
        yield from imap.log_in(0)
        yield from recreate(imap, COPIED)
        yield from recreate(imap, GONE)
        yield from imap.command(b"SELECT " + BIG)
        yield GATE
        yield from imap.command(b"COPY 1:%d %b" % (part.options["count"], COPIED))
        yield GATE
        yield from imap.command(b"SELECT " + COPIED)
        yield GATE
        yield from imap.command(b"MOVE 1:* %b" % GONE)
        yield GATE
        yield from imap.command(b"SELECT " + GONE)
        yield from imap.command(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
        yield GATE
        yield from imap.command(b"EXPUNGE")
        yield GATE
        yield from imap.log_out()

    return imap, steps()


# --- resynchronisation: RFC 7162 ------------------------------------------------------------


def changed_since(setting: Setting) -> Figure:
    return _resynchronised(setting, qresync=False)


def qresync(setting: Setting) -> Figure:
    return _resynchronised(setting, qresync=True)


def _resynchronised(setting: Setting, *, qresync: bool) -> Figure:
    options = {"messages": setting.messages, "qresync": qresync}
    phase = setting.crew.run(Job(_resynchronise, options=options, spread=False))[1]
    milliseconds = [1e3 * second for second in phase.seconds]
    return Figure(statistics.median(milliseconds), phase, best=min(milliseconds))


def _resynchronise(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)

    def steps() -> Steps[None]:
        known = yield from _change(imap, part.options["messages"])
        since = known["HIGHESTMODSEQ"]
        yield GATE
        for _ in range(7):
            yield from imap.log_in(0)
            if part.options["qresync"]:
                yield from imap.command(b"ENABLE QRESYNC")
            began = time.monotonic()
            if part.options["qresync"]:
                ours = (known["UIDVALIDITY"], since)
                yield from imap.command(b"SELECT %b (QRESYNC (%d %d))" % (RESYNC, *ours))
            else:
                yield from imap.command(b"SELECT %b (CONDSTORE)" % RESYNC)
                yield from imap.command(b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % since)
            part.unit(began)
            yield from imap.log_out()
        yield GATE

    return imap, steps()


def _change(imap: Imap, messages: int) -> Steps[dict[str, int]]:
    """Change a copy of the big mailbox; what a client knew of it before."""
    yield from imap.log_in(0)
    yield from recreate(imap, RESYNC)
    yield from imap.command(b"SELECT " + BIG)
    yield from imap.command(b"COPY 1:* " + RESYNC)
    known = yield from imap.select(RESYNC, b" (CONDSTORE)")
    step = max(2, messages // CHANGED)
    uids = range(known["UIDNEXT"] - messages, known["UIDNEXT"])
    yield from imap.command(b"UID STORE %b +FLAGS.SILENT (\\Answered)" % as_set(uids[::step]))
    gone = uids[1 :: step * CHANGED // EXPUNGED]
    yield from imap.command(b"UID STORE %b +FLAGS.SILENT (\\Deleted)" % as_set(gone))
    yield from imap.command(b"EXPUNGE")
    yield from imap.log_out()
    return known

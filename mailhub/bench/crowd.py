"""Workloads of many clients: log-ins, POP3 collections, idle connections, a working day's mix."""

from __future__ import annotations

import random
import statistics
import time
from collections import defaultdict
from typing import Any

from mailhub.bench import mail
from mailhub.bench.connection import Connection
from mailhub.bench.imap import Imap
from mailhub.bench.job import MAX_SAMPLES, Job, Part
from mailhub.bench.lmtp import Lmtp
from mailhub.bench.pop3 import Pop3
from mailhub.bench.setting import INBOX_MESSAGES, Figure, Setting, fill_inboxes, percentile
from mailhub.bench.steps import GATE, NothingCame, Pause, Steps

LOG_INS, COLLECTORS, MIXED = 50, 20, 100


def log_in(setting: Setting) -> Figure:
    phase = setting.crew.run(Job(_log_in, LOG_INS, setting.seconds))[1]
    return Figure.rate(phase, p99_ms=1e3 * percentile(phase.seconds, 0.99))


def _log_in(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)

    def steps() -> Steps[None]:
        # Once before, so that no password has to be proved for the first time.
        yield from imap.log_in(number)
        yield from imap.log_out()
        yield GATE
        while part.running():
            began = time.monotonic()
            yield from imap.log_in(number)
            yield from imap.log_out()
            part.unit(began)
        yield GATE

    return imap, steps()


def collect(setting: Setting) -> Figure:
    fill_inboxes(setting)
    connections = min(COLLECTORS, setting.target.accounts)
    return Figure.rate(setting.crew.run(Job(_collect, connections, setting.seconds))[1])


def _collect(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    pop3 = Pop3(part.target, part.counts)

    def steps() -> Steps[None]:
        yield GATE
        while part.running():
            began = time.monotonic()
            yield from pop3.log_in(number)
            for place in range(1, INBOX_MESSAGES + 1):
                yield from pop3.listing(b"RETR %d" % place)
            yield from pop3.log_out()
            part.unit(began, INBOX_MESSAGES)
        yield GATE

    return pop3, steps()


# --- idle connections -----------------------------------------------------------------------

_PUSHES = 2
_APART = 0.05
_GRACE = 75.0
"""Seconds after which a push will not come any more; some servers look each 30 seconds."""


def idle(setting: Setting) -> Figure:
    """Memory of an idle connection, and the time from acknowledged delivery to push."""
    fill_inboxes(setting)
    time.sleep(setting.settle)  # what the workload before has left behind must not be counted off
    connections, accounts = setting.idle, min(setting.target.accounts, setting.idle)
    options = {
        "listeners": connections,
        "accounts": accounts,
        "settle": setting.settle,
        "seed": setting.seed,
    }
    arrived, pushed, *_ = setting.crew.run(Job(_idle, connections + 1, 0.0, options))
    delivered = {record[1:3]: record[3] for record in pushed.records if record[0] == "sent"}
    late = [
        1e3 * max(0.0, when - delivered[account, count])
        for kind, account, count, when in pushed.records
        if kind == "heard"
    ]
    detail = {"p50_ms": percentile(late, 0.5), "p99_ms": percentile(late, 0.99)}
    detail["missed"] = sum(record[0] == "missed" for record in pushed.records)
    if arrived.server is None:
        return Figure(None, pushed, detail=detail)
    grown = max(0, arrived.server.grown_octets)  # mail that was cached may have been let go
    return Figure(grown / connections / 1024, pushed, detail=detail)


def _idle(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    if number < part.options["listeners"]:
        imap = Imap(part.target, part.counts)
        return imap, _listen(part, imap, number)
    if part.target.lmtp:
        lmtp = Lmtp(part.target, part.counts)
        return lmtp, _send_by_lmtp(part, lmtp)
    imap = Imap(part.target, part.counts)
    return imap, _send_by_append(part, imap)


def _listen(part: Part, imap: Imap, number: int) -> Steps[None]:
    yield Pause(number * 0.002)
    account = number % part.options["accounts"]
    yield from imap.log_in(account)
    present = (yield from imap.select(b"INBOX"))["EXISTS"]
    yield from imap.idle()
    yield Pause(part.options["settle"])
    yield GATE
    heard = 0
    imap.deadline = time.monotonic() + _GRACE
    while heard < _PUSHES:
        try:
            line = yield from imap.line()
        except NothingCame:
            part.records += [("missed", account, n, 0.0) for n in range(heard, _PUSHES)]
            break
        if not line.upper().endswith(b" EXISTS"):
            continue
        count = int(line.split()[1]) - present
        when = time.monotonic()
        part.records += [("heard", account, n, when) for n in range(heard + 1, count + 1)]
        heard = max(heard, count)
    yield GATE


def _send_by_lmtp(part: Part, lmtp: Lmtp) -> Steps[None]:
    message = mail.message(0, 4096, part.options["seed"])
    yield from lmtp.connect()
    yield GATE
    for account, count in _pushes(part):
        yield from lmtp.deliver([part.target.address(account)], message)
        part.records.append(("sent", account, count, time.monotonic()))
        yield Pause(_APART)
    yield GATE


def _send_by_append(part: Part, imap: Imap) -> Steps[None]:
    message = mail.message(0, 4096, part.options["seed"])
    yield GATE
    for account, count in _pushes(part):
        yield from imap.log_in(account)
        yield from imap.append(b"INBOX", (message,))
        part.records.append(("sent", account, count, time.monotonic()))
        yield from imap.log_out()
        yield Pause(_APART)
    yield GATE


def _pushes(part: Part) -> list[tuple[int, int]]:
    accounts = range(part.options["accounts"])
    return [(account, count) for count in range(1, _PUSHES + 1) for account in accounts]


# --- the mix --------------------------------------------------------------------------------

_MIX = {
    "NOOP": 15,
    "STATUS": 15,
    "SELECT": 10,
    "LIST": 15,
    "BODY": 20,
    "STORE": 10,
    "SEARCH": 10,
    "APPEND": 5,
}


def mix(setting: Setting) -> Figure:
    fill_inboxes(setting)
    phase = setting.crew.run(Job(_mix, MIXED, setting.seconds * 2, {"seed": setting.seed}))[1]
    detail = {
        "p50_ms": 1e3 * percentile(phase.seconds, 0.5),
        "p99_ms": 1e3 * percentile(phase.seconds, 0.99),
    }
    kinds: dict[str, list[float]] = defaultdict(list)
    for kind, seconds in phase.records:
        kinds[kind].append(seconds)
    for kind, taken in sorted(kinds.items()):
        detail[f"{kind}_p50_ms"] = 1e3 * statistics.median(taken)
    return Figure.rate(phase, **detail)


def _mix(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)
    chosen = random.Random(f"{part.options['seed']}/{number}")

    def steps() -> Steps[None]:
        yield from imap.log_in(number)
        yield from imap.learn()
        yield from imap.command(b"SELECT INBOX")
        yield GATE
        while part.running():
            kind = chosen.choices(tuple(_MIX), tuple(_MIX.values()))[0]
            began = time.monotonic()
            yield from _one(imap, kind, chosen, part.options)
            part.unit(began)
            if len(part.records) < MAX_SAMPLES:
                part.records.append((kind, time.monotonic() - began))
        yield GATE
        yield from imap.log_out()

    return imap, steps()


def _one(imap: Imap, kind: str, chosen: random.Random, options: Any) -> Steps[None]:
    place = chosen.randint(1, INBOX_MESSAGES)
    if kind == "APPEND":
        message = mail.pool(4096, options["seed"])[place - 1]
        yield from imap.append(b"INBOX", (message,))
        return
    commands = {
        "NOOP": b"NOOP",
        "STATUS": b"STATUS INBOX (MESSAGES UNSEEN UIDNEXT)",
        "SELECT": b"SELECT INBOX",
        "LIST": b"FETCH %d:%d (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"
        % (max(1, place - 50), place),
        "BODY": b"FETCH %d (UID BODY.PEEK[])" % place,
        "STORE": b"STORE %d %bFLAGS (\\Flagged)" % (place, chosen.choice((b"+", b"-"))),
        "SEARCH": b'SEARCH SUBJECT "%b"' % chosen.choice((b"invoice", b"meeting", b"budget")),
    }
    yield from imap.command(commands[kind])

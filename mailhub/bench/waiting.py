"""Waiting for mail: IDLE (RFC 2177), or looking again and again over IMAP or POP3.

While the clients wait, each account gets one message; what is measured is what the waiting costs
and when the client knows.
"""

from __future__ import annotations

import time

from mailhub.bench import mail
from mailhub.bench.connection import Connection
from mailhub.bench.imap import Imap
from mailhub.bench.job import Job, Part, Phase
from mailhub.bench.lmtp import Lmtp
from mailhub.bench.pop3 import Pop3
from mailhub.bench.setting import Setting
from mailhub.bench.steps import GATE, NothingCame, Pause, Steps

WAYS = ("idle", "imap-poll", "pop3-poll")
_GRACE = 45.0
"""Seconds after which a push will not come any more; some servers look each 30 seconds."""
TITLES = {
    "idle": "IMAP, IDLE",
    "imap-poll": "IMAP, NOOP now and then",
    "pop3-poll": "POP3, a new connection now and then",
}


def wait(setting: Setting, way: str, clients: int, interval: float) -> tuple[Phase, list[float]]:
    """Let *clients* wait through five intervals; what was counted, and the delays in seconds."""
    window = 5 * interval
    options = {"way": way, "clients": clients, "interval": interval, "seed": setting.seed}
    phase = setting.crew.run(Job(_client, clients + 1, window, options))[1]
    sent = {record[1]: record[2] for record in phase.records if record[0] == "sent"}
    heard = {record[1]: record[2] for record in phase.records if record[0] == "heard"}
    delays = [max(0.0, when - sent[number]) for number, when in heard.items() if number in sent]
    return phase, delays


def _client(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    if number == part.options["clients"]:
        return _sender(part)
    if part.options["way"] == "pop3-poll":
        pop3 = Pop3(part.target, part.counts)
        return pop3, _poll_pop3(part, pop3, number)
    imap = Imap(part.target, part.counts)
    steps = _idle if part.options["way"] == "idle" else _poll_imap
    return imap, steps(part, imap, number)


def _idle(part: Part, imap: Imap, number: int) -> Steps[None]:
    yield Pause(number * 0.002)
    yield from imap.log_in(number)
    yield from imap.command(b"SELECT INBOX")
    yield from imap.idle()
    yield GATE
    line = b""
    imap.deadline = part.deadline + _GRACE
    try:
        while not line.upper().endswith(b" EXISTS"):
            line = yield from imap.line()
        part.records.append(("heard", number, time.monotonic()))
    except NothingCame:
        part.records.append(("missed", number, time.monotonic()))
    imap.deadline = None
    yield Pause(max(0.0, part.deadline - time.monotonic()))
    yield GATE
    yield from imap.done()
    yield from imap.log_out()


def _poll_imap(part: Part, imap: Imap, number: int) -> Steps[None]:
    interval = part.options["interval"]
    yield from imap.log_in(number)
    before = (yield from imap.select(b"INBOX"))["EXISTS"]
    yield GATE
    yield Pause(_share(part, number) * interval)
    known = False
    while part.running() or not known:
        began = time.monotonic()
        reply = yield from imap.ask(b"NOOP")
        part.unit(began)
        if not known and b"* %d EXISTS" % (before + 1) in reply:
            known = True
            part.records.append(("heard", number, time.monotonic()))
        yield Pause(interval)
    yield GATE
    yield from imap.log_out()


def _poll_pop3(part: Part, pop3: Pop3, number: int) -> Steps[None]:
    interval = part.options["interval"]
    yield from pop3.log_in(number)
    before = yield from pop3.stat()
    yield from pop3.log_out()
    yield GATE
    yield Pause(_share(part, number) * interval)
    known = False
    while part.running() or not known:
        began = time.monotonic()
        yield from pop3.log_in(number)
        present = yield from pop3.stat()
        yield from pop3.listing(b"UIDL")
        yield from pop3.log_out()
        part.unit(began)
        if not known and present > before:
            known = True
            part.records.append(("heard", number, time.monotonic()))
        yield Pause(interval)
    yield GATE


def _share(part: Part, number: int) -> float:
    """Clients look at different moments."""
    return number / int(part.options["clients"])


# --- the mail that comes ----------------------------------------------------------------------


def _sender(part: Part) -> tuple[Connection, Steps[None]]:
    message = mail.message(0, 4096, part.options["seed"])
    # Not counted: it is what other people's servers do.
    counts = type(part.counts)()
    if part.target.lmtp:
        lmtp = Lmtp(part.target, counts)
        return lmtp, _send_by_lmtp(part, lmtp, message)
    imap = Imap(part.target, counts)
    return imap, _send_by_append(part, imap, message)


def _send_by_lmtp(part: Part, lmtp: Lmtp, message: bytes) -> Steps[None]:
    yield from lmtp.connect()
    yield GATE
    for number in range(part.options["clients"]):
        yield from lmtp.deliver([part.target.address(number)], message)
        yield _sent(part, number)
    yield GATE
    yield from lmtp.log_out()


def _send_by_append(part: Part, imap: Imap, message: bytes) -> Steps[None]:
    yield GATE
    for number in range(part.options["clients"]):
        yield from imap.log_in(number)
        yield from imap.append(b"INBOX", (message,))
        yield _sent(part, number)
        yield from imap.log_out()
    yield GATE


def _sent(part: Part, number: int) -> Pause:
    """Over three of the five intervals: nobody's mail comes after the end."""
    part.records.append(("sent", number, time.monotonic()))
    return Pause(3 * part.options["interval"] / int(part.options["clients"]))

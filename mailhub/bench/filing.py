"""Workloads that file mail: APPEND and LMTP, each answer meaning that the message is on disk."""

from __future__ import annotations

import time

from mailhub.bench import mail
from mailhub.bench.connection import Connection
from mailhub.bench.imap import Imap
from mailhub.bench.job import Job, Part
from mailhub.bench.lmtp import Lmtp
from mailhub.bench.setting import Figure, Setting, percentile
from mailhub.bench.steps import GATE, Steps

OCTETS = 4096
RECIPIENTS = 50


def append_one(setting: Setting) -> Figure:
    return _file(setting, Job(_append, 1, setting.seconds, {"seed": setting.seed}))


def append_many(setting: Setting) -> Figure:
    return _file(setting, Job(_append, 50, setting.seconds, {"seed": setting.seed}))


def lmtp_one(setting: Setting) -> Figure:
    return _file(setting, Job(_deliver, 1, setting.seconds, {"seed": setting.seed, "to": 1}))


def lmtp_many(setting: Setting) -> Figure:
    return _file(setting, Job(_deliver, 50, setting.seconds, {"seed": setting.seed, "to": 1}))


def lmtp_recipients(setting: Setting) -> Figure:
    """One message to many, over one connection; deliveries are counted."""
    to = min(RECIPIENTS, setting.target.accounts)
    return _file(setting, Job(_deliver, 1, setting.seconds, {"seed": setting.seed, "to": to}))


def _file(setting: Setting, job: Job) -> Figure:
    phase = setting.crew.run(job)[1]
    return Figure.rate(
        phase,
        p50_ms=1e3 * percentile(phase.seconds, 0.5),
        p99_ms=1e3 * percentile(phase.seconds, 0.99),
    )


def _append(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)
    messages = mail.pool(OCTETS, part.options["seed"])

    def steps() -> Steps[None]:
        yield from imap.log_in(number)
        yield from imap.learn()
        yield GATE
        place = number
        while part.running():
            began = time.monotonic()
            yield from imap.append(b"INBOX", (messages[place % len(messages)],))
            part.unit(began)
            place += 1
        yield GATE
        yield from imap.log_out()

    return imap, steps()


def _deliver(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    lmtp = Lmtp(part.target, part.counts)
    messages = mail.pool(OCTETS, part.options["seed"])
    to = part.options["to"]
    recipients = [part.target.address(number + n) for n in range(to)]

    def steps() -> Steps[None]:
        yield from lmtp.connect()
        yield GATE
        place = number
        while part.running():
            began = time.monotonic()
            yield from lmtp.deliver(recipients, messages[place % len(messages)])
            part.unit(began, to)
            place += 1
        yield GATE
        yield from lmtp.log_out()

    return lmtp, steps()

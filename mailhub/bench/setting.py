"""What all workloads are given, what they give back, and the mail that must be there before."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailhub.bench import mail
from mailhub.bench.connection import Connection
from mailhub.bench.crew import Crew
from mailhub.bench.imap import Imap
from mailhub.bench.job import Job, Part, Phase
from mailhub.bench.steps import BenchError, Steps
from mailhub.bench.target import Target

BIG = b"bench"
SCRATCH = (b"bench-copied", b"bench-moved", b"bench-resync", b"bench-filed")
INBOX_MESSAGES = 200
SMALL = 1500
_BATCH = 200


@dataclass(slots=True)
class Setting:
    """The server, the clients, and how much is to be done."""

    crew: Crew
    messages: int = 10_000
    seconds: float = 3.0
    idle: int = 2000
    settle: float = 8.0
    seed: int = 1
    capabilities: frozenset[str] = frozenset()

    @property
    def target(self) -> Target:
        return self.crew.target


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value (None: it cannot be seen), with what is told beside it.

    *best* is that of the values it is the median of.
    """

    value: float | None
    phase: Phase
    best: float | None = None
    detail: dict[str, float] = field(default_factory=dict)

    @classmethod
    def rate(cls, phase: Phase, **detail: float) -> Figure:
        """Units per second."""
        return cls(phase.rate, phase, detail=detail)


def percentile(values: list[float], share: float) -> float:
    if not values:
        return 0.0
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


# --- what must be there -------------------------------------------------------------------


def prepare(setting: Setting, *, big: bool) -> None:
    """Learn what the server can do, and fill the big mailbox if it is wanted."""
    options = {"messages": setting.messages if big else 0, "seed": setting.seed}
    phase = setting.crew.run(Job(_fill_big, options=options, spread=False))[0]
    setting.capabilities = phase.records[0]


def fill_inboxes(setting: Setting, messages: int = INBOX_MESSAGES) -> None:
    """Every account's INBOX holds *messages*, the same on every server."""
    options = {"messages": messages, "seed": setting.seed, "accounts": setting.target.accounts}
    setting.crew.run(Job(_fill_inboxes, min(8, setting.target.accounts), options=options))


def clear(setting: Setting) -> None:
    """Delete all that was filed."""
    fill_inboxes(setting, 0)
    setting.crew.run(Job(_remove, spread=False))


def _fill_big(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)

    def steps() -> Steps[None]:
        yield from imap.log_in(0)
        yield from imap.learn()
        part.records.append(imap.capabilities)
        wanted, seed = part.options["messages"], part.options["seed"]
        if wanted:
            yield from ensure(imap, BIG)
            yield from _resize(imap, BIG, wanted, SMALL, seed)
        yield from imap.log_out()

    return imap, steps()


def ensure(imap: Imap, mailbox: bytes) -> Steps[None]:
    """Create *mailbox* unless it is there."""
    found = yield from imap.ask(b'LIST "" %b' % mailbox)
    if not found.upper().startswith(b"* LIST"):
        yield from imap.command(b"CREATE " + mailbox)


def recreate(imap: Imap, mailbox: bytes) -> Steps[None]:
    yield from remove(imap, mailbox)
    yield from imap.command(b"CREATE " + mailbox)


def remove(imap: Imap, mailbox: bytes) -> Steps[None]:
    found = yield from imap.ask(b'LIST "" %b' % mailbox)
    if found.upper().startswith(b"* LIST"):
        yield from imap.command(b"DELETE " + mailbox)


def _resize(imap: Imap, mailbox: bytes, wanted: int, octets: int, seed: int) -> Steps[None]:
    present = (yield from imap.select(mailbox))["EXISTS"]
    if present > wanted:
        yield from imap.command(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
        yield from imap.command(b"EXPUNGE")
        present = 0
    for first in range(present, wanted, _BATCH):
        numbers = range(first, min(first + _BATCH, wanted))
        flags = [_flags(number) for number in numbers]
        yield from imap.append(mailbox, [mail.message(n, octets, seed) for n in numbers], flags)


def _flags(number: int) -> bytes:
    """Most mail has been read, some has been marked."""
    seen = b"\\Seen" if number % 10 else b""
    return b" ".join(filter(None, (seen, b"\\Flagged" if number % 30 == 0 else b"")))


def _fill_inboxes(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)
    wanted, seed = part.options["messages"], part.options["seed"]

    def steps() -> Steps[None]:
        for account in range(number, part.options["accounts"], 8):
            yield from imap.log_in(account)
            yield from imap.learn()
            yield from _resize(imap, b"INBOX", wanted, 4096, seed)
            yield from imap.log_out()

    return imap, steps()


def _remove(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)

    def steps() -> Steps[None]:
        yield from imap.log_in(0)
        for mailbox in (BIG, *SCRATCH):
            yield from remove(imap, mailbox)
        yield from imap.log_out()

    return imap, steps()


# --- whose mail it is ---------------------------------------------------------------------


def refuse_strangers_mail(crew: Crew) -> None:
    """Raise BenchError if an account holds mail in INBOX: it would be deleted."""
    job = Job(_count_inboxes, min(8, crew.target.accounts))
    held = [record for phase in crew.run(job) for record in phase.records]
    if held:
        raise BenchError(
            f"INBOX of {held[0][0]} holds {held[0][1]} messages.  Measuring deletes the mail in"
            " every INBOX and in folders named bench...: use accounts made for it, or --erase"
        )


def _count_inboxes(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)

    def steps() -> Steps[None]:
        for account in range(number, part.target.accounts, 8):
            yield from imap.log_in(account)
            told = yield from imap.select(b"INBOX")
            if told["EXISTS"]:
                part.records.append((part.target.login(account), told["EXISTS"]))
            yield from imap.log_out()

    return imap, steps()

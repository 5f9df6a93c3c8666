"""IMAP beside POP3 on one server: the same mail, the same habits, more and more clients."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mailhub.bench import mail, waiting
from mailhub.bench.connection import Connection
from mailhub.bench.crew import Crew
from mailhub.bench.habits import HABITS, Habit, imap_client, pop3_client
from mailhub.bench.imap import Imap
from mailhub.bench.job import Job, Part, Phase
from mailhub.bench.micro import BUSY
from mailhub.bench.results import about, machine
from mailhub.bench.setting import (
    Setting,
    fill_inboxes,
    percentile,
    prepare,
    refuse_strangers_mail,
)
from mailhub.bench.steps import BenchError, Steps
from mailhub.bench.target import Target

CLIENTS = {"imap": imap_client, "pop3": pop3_client}
_FEEDERS = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """How much mail in each INBOX, how many clients, and how often they look."""

    clients: Sequence[int] = (1, 10, 100)
    messages: int = 50
    interval: float = 2.0
    large: int = 5_000_000
    seed: int = 1
    erase: bool = False


def compare(target: Target, plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Everything that was measured, as JSON has it.  Raises BenchError."""
    for protocol in ("imap", "pop3"):
        if not target.has(protocol):
            raise BenchError(f"no {protocol.upper()} port given: both are needed")
    if max(plan.clients) > target.accounts:
        raise BenchError(
            f"{max(plan.clients)} clients need as many accounts, there are {target.accounts}:"
            " POP3 gives a maildrop to one client at a time"
        )
    with Crew(target) as crew, Crew(target) as feeders:
        if not plan.erase:
            refuse_strangers_mail(crew)
        setting = Setting(crew, seed=plan.seed)
        prepare(setting, big=False)
        try:
            habits = [_habit(setting, feeders, habit, plan, say) for habit in HABITS]
            waits = [_waits(setting, plan, way, say) for way in _ways(setting)]
        finally:
            say("cleaning up")
            fill_inboxes(setting, 0)
    return _document(target, plan, habits, waits)


def _ways(setting: Setting) -> list[str]:
    idles = {"IDLE", "IMAP4REV2"} & setting.capabilities
    return [way for way in waiting.WAYS if idles or way != "idle"]


def _document(
    target: Target, plan: Plan, habits: list[dict[str, Any]], waits: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "kind": "protocols",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine(),
        "server": about(target),
        "messages": plan.messages,
        "interval": plan.interval,
        "large_octets": plan.large,
        "clients": list(plan.clients),
        "habits": habits,
        "waiting": waits,
    }


def _habit(
    setting: Setting, feeders: Crew, habit: Habit, plan: Plan, say: Callable[[str], None]
) -> dict[str, Any]:
    results = []
    for clients in plan.clients:
        row: dict[str, Any] = {"clients": clients}
        for protocol in CLIENTS:
            say(f"{habit.title}: {clients} by {protocol.upper()}")
            phase = _measure(setting, feeders, habit, plan, clients, protocol)
            row[protocol] = _costs(phase, clients, clients)
        results.append(row)
    return {"name": habit.name, "title": habit.title, "results": results}


def _measure(
    setting: Setting, feeders: Crew, habit: Habit, plan: Plan, clients: int, protocol: str
) -> Phase:
    """The phase in which *clients* do it at once."""
    feed(feeders, clients, plan, large=habit.large)
    options = {"habit": habit.name, "messages": plan.messages + habit.fresh}
    job = Job(CLIENTS[protocol], clients, 0.0, options)
    if not habit.fresh:
        return setting.crew.run(job)[1]
    return setting.crew.run(job, lambda: feed(feeders, clients, plan, more=habit.fresh))[1]


def _costs(phase: Phase, clients: int, looks: int) -> dict[str, Any]:
    """What each client has cost, and how long it took."""
    server = phase.server
    return {
        "median_ms": 1e3 * statistics.median(phase.seconds) if phase.seconds else None,
        "p99_ms": 1e3 * percentile(phase.seconds, 0.99) if phase.seconds else None,
        "elapsed_s": phase.elapsed,
        "sent_octets": round(phase.sent / clients),
        "received_octets": round(phase.received / clients),
        "round_trips": phase.round_trips / clients,
        "looks": looks / clients,
        "server_cpu_ms": 1e3 * server.cpu_seconds / clients if server else None,
        "server_memory_octets": server.memory_octets if server else None,
        "limited_by_client": phase.client_share > BUSY,
    }


def _waits(setting: Setting, plan: Plan, way: str, say: Callable[[str], None]) -> dict[str, Any]:
    results = []
    for clients in plan.clients:
        say(f"waiting: {clients} by {waiting.TITLES[way]}")
        phase, delays = waiting.wait(setting, way, clients, plan.interval)
        costs = _costs(phase, clients, phase.units)
        costs["delay_median_ms"] = 1e3 * statistics.median(delays) if delays else None
        costs["delay_p99_ms"] = 1e3 * percentile(delays, 0.99)
        results.append({"clients": clients, **costs})
    return {"name": way, "title": waiting.TITLES[way], "results": results}


# --- the mail -------------------------------------------------------------------------------


def feed(crew: Crew, accounts: int, plan: Plan, *, more: int = 0, large: bool = False) -> None:
    """Give the first *accounts* the mail of the plan and nothing else, or *more* beside it."""
    options = {
        "accounts": accounts,
        "messages": plan.messages,
        "more": more,
        "large": plan.large if large else 0,
        "seed": plan.seed,
    }
    crew.run(Job(_feed, min(_FEEDERS, accounts), 0.0, options))


def _feed(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)

    def steps() -> Steps[None]:
        for account in range(number, part.options["accounts"], _FEEDERS):
            yield from imap.log_in(account)
            yield from imap.learn()
            yield from _fill(part, imap)
            yield from imap.log_out()

    return imap, steps()


def _fill(part: Part, imap: Imap) -> Steps[None]:
    wanted, seed = part.options["messages"], part.options["seed"]
    if more := part.options["more"]:
        numbers = range(wanted, wanted + more)
        yield from imap.append(b"INBOX", [mail.typical(n, seed) for n in numbers])
        return
    if (yield from imap.select(b"INBOX"))["EXISTS"]:
        yield from imap.command(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
        yield from imap.command(b"EXPUNGE")
    yield from imap.append(b"INBOX", [mail.typical(n, seed) for n in range(wanted)])
    if large := part.options["large"]:
        yield from imap.append(b"INBOX", (mail.message(1, large, seed),))

"""IMAP beside POP3 on one server: the same mail, the same habits, more and more clients."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mailhub.bench import waiting
from mailhub.bench.crew import Crew
from mailhub.bench.habits import HABITS, Habit, imap_client, pop3_client
from mailhub.bench.job import Job, Phase
from mailhub.bench.mailboxes import Mailboxes
from mailhub.bench.micro import BUSY
from mailhub.bench.results import about, machine
from mailhub.bench.setting import (
    Setting,
    fill_inboxes,
    percentile,
    prepare,
    refuse_strangers_mail,
)
from mailhub.bench.steps import BenchError
from mailhub.bench.target import Target

CLIENTS = {"imap": imap_client, "pop3": pop3_client}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much mail in each INBOX, how many clients, and how often they look."""

    clients: Sequence[int] = (1, 10, 100)
    rounds: int = 3
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
            mailboxes = Mailboxes(feeders, plan.messages, plan.large, plan.seed)
            habits = [_habit(setting, mailboxes, habit, plan, say) for habit in HABITS]
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
        "rounds": plan.rounds,
        "interval": plan.interval,
        "large_octets": plan.large,
        "clients": list(plan.clients),
        "habits": habits,
        "waiting": waits,
    }


def _habit(
    setting: Setting, mailboxes: Mailboxes, habit: Habit, plan: Plan, say: Callable[[str], None]
) -> dict[str, Any]:
    results = []
    for clients in plan.clients:
        row: dict[str, Any] = {"clients": clients}
        for protocol in CLIENTS:
            say(f"{habit.title}: {clients} by {protocol.upper()}")
            rounds = [
                _measure(setting, mailboxes, habit, plan, clients, protocol)
                for _ in range(plan.rounds)
            ]
            row[protocol] = _median([_costs(phase, clients, clients) for phase in rounds])
        results.append(row)
    return {"name": habit.name, "title": habit.title, "results": results}


def _measure(
    setting: Setting, mailboxes: Mailboxes, habit: Habit, plan: Plan, clients: int, protocol: str
) -> Phase:
    """The phase in which *clients* do it at once."""
    mailboxes.make_ready(clients, large=habit.large)
    options = {"habit": habit.name, "messages": plan.messages + habit.fresh}
    job = Job(CLIENTS[protocol], clients, 0.0, options)
    if not habit.fresh:
        return setting.crew.run(job)[1]
    return setting.crew.run(job, lambda: mailboxes.add(clients, habit.fresh))[1]


def _median(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Each figure's median; of an even number of rounds the lower one, so that counts stay so."""
    merged = {}
    for key in rounds[0]:
        values = [costs[key] for costs in rounds if costs[key] is not None]
        merged[key] = statistics.median_low(values) if values else None
    return merged


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
        costs["missed"] = clients - len(delays)
        costs["delay_p99_ms"] = 1e3 * percentile(delays, 0.99)
        results.append({"clients": clients, **costs})
    return {"name": way, "title": waiting.TITLES[way], "results": results}

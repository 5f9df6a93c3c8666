"""Several servers in turn: each workload on one, then on the other, so that noise meets both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from mailhub.bench.crew import Crew
from mailhub.bench.micro import Workload, make_ready, reason_to_skip
from mailhub.bench.results import FAILED, Row, Series
from mailhub.bench.setting import Setting, clear, refuse_strangers_mail
from mailhub.bench.steps import BenchError, ServerFailed
from mailhub.bench.target import Target


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is to be done."""

    workloads: Sequence[Workload]
    rounds: int = 1
    messages: int = 10_000
    seconds: float = 3.0
    idle: int = 2000
    settle: float = 8.0
    seed: int = 1
    erase: bool = False
    keep: bool = False


def measure(targets: Sequence[Target], plan: Plan, say: Callable[[str], None]) -> list[Row]:
    """All workloads on all *targets*; *say* is told what is being done.  Raises BenchError."""
    if len({target.name for target in targets}) < len(targets):
        raise BenchError(f"both servers are named {targets[0].name}: give one another name")
    with ExitStack() as open_crews:
        settings = []
        for target in targets:
            crew = open_crews.enter_context(Crew(target))
            if not plan.erase:
                refuse_strangers_mail(crew)
            settings.append(_setting(crew, plan))
        for setting in settings:
            say(f"{setting.target.name}: preparing mail")
            make_ready(setting, plan.workloads)
        rows = [_empty(workload, settings) for workload in plan.workloads]
        try:
            for number in range(plan.rounds):
                _round(number, settings, rows, say)
        finally:
            if not plan.keep:
                for setting in settings:
                    say(f"{setting.target.name}: cleaning up")
                    clear(setting)
        return rows


def _setting(crew: Crew, plan: Plan) -> Setting:
    return Setting(crew, plan.messages, plan.seconds, plan.idle, plan.settle, plan.seed)


def _empty(workload: Workload, settings: Sequence[Setting]) -> Row:
    skipped = [reason_to_skip(setting, workload) for setting in settings]
    return Row(workload, [Series(skipped=reason) for reason in skipped])


def _round(
    number: int, settings: Sequence[Setting], rows: Sequence[Row], say: Callable[[str], None]
) -> None:
    for row in rows:
        # Who comes first changes with every round.
        turns = list(zip(settings, row.servers, strict=True))
        for setting, series in turns if number % 2 == 0 else reversed(turns):
            if series.skipped:
                continue
            say(f"round {number + 1}: {setting.target.name}: {row.workload.title}")
            try:
                series.figures.append(row.workload.run(setting))
            except ServerFailed as failure:
                series.skipped = f"{FAILED}{failure}"
            except BenchError as failure:
                series.skipped = str(failure)

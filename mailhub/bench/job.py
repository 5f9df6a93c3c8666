"""What the client processes are given to do, and what they give back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mailhub.bench.connection import Connection, Counts
from mailhub.bench.procs import Usage
from mailhub.bench.steps import Steps
from mailhub.bench.target import Target

MAX_SAMPLES = 200_000
"""Latencies kept per process and phase; later ones overwrite earlier ones."""


class Part:
    """What the scripts of one process share: the job, the clock and the counters."""

    def __init__(self, target: Target, options: Mapping[str, Any]) -> None:
        self.target = target
        self.options = options
        self.counts = Counts()
        self.deadline = 0.0
        self.units = 0
        self.seconds: list[float] = []
        self.records: list[Any] = []
        self._samples = 0

    def running(self) -> bool:
        return time.monotonic() < self.deadline

    def unit(self, began: float, count: int = 1) -> None:
        """*count* units have been done, in the time since *began*."""
        self.units += count
        taken = time.monotonic() - began
        if len(self.seconds) < MAX_SAMPLES:
            self.seconds.append(taken)
        else:
            self.seconds[self._samples % MAX_SAMPLES] = taken
        self._samples += 1


Script = Callable[[Part, int], tuple[Connection, Steps[None]]]
"""Of a client's number: the connection it uses and what it does."""


@dataclass(frozen=True, slots=True)
class Job:
    """*connections* times *script*; *seconds* is how long ``Part.running`` holds in a phase."""

    script: Script
    connections: int = 1
    seconds: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)
    spread: bool = True


@dataclass(slots=True)
class Phase:
    """What was counted between two gates, in one process or in all together."""

    began: float
    ended: float = 0.0
    client_cpu: float = 0.0
    client_share: float = 0.0
    units: int = 0
    sent: int = 0
    received: int = 0
    round_trips: int = 0
    seconds: list[float] = field(default_factory=list)
    records: list[Any] = field(default_factory=list)
    server: Usage | None = None

    @property
    def elapsed(self) -> float:
        return max(self.ended - self.began, 1e-9)

    @property
    def rate(self) -> float:
        return self.units / self.elapsed

    def add(self, other: Phase) -> None:
        self.began = min(self.began, other.began)
        self.ended = max(self.ended, other.ended)
        self.client_cpu += other.client_cpu
        self.client_share = max(self.client_share, other.client_share)
        for name in ("units", "sent", "received", "round_trips"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.seconds += other.seconds
        self.records += other.records

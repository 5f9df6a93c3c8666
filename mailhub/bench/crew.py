"""The processes that play the clients, one per core, and how a measurement is given to them.

A job is a script, run on many connections that are dealt out to the processes.  Between two gates
lies a phase; at a gate everybody waits, and what the server has used is read.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from typing import Any

from mailhub.bench.connection import Connection, Counts
from mailhub.bench.loop import Loop, Task
from mailhub.bench.procs import Probe, Usage
from mailhub.bench.steps import BenchError, ServerFailed, Steps
from mailhub.bench.target import Target

PATIENCE_SECONDS = 120.0
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


class Crew:
    """The client processes; they are started once and used for all jobs."""

    def __init__(self, target: Target, size: int = 0) -> None:
        self.target = target
        self.probe = Probe(target)
        self._size = size or len(os.sched_getaffinity(0))
        self._workers: list[tuple[BaseProcess, Pipe]] = []

    def run(self, job: Job, at_gate: Callable[[], object] | None = None) -> list[Phase]:
        """Do *job*; its phases, the first being what came before the first gate.

        *at_gate* is called while everybody waits at the first gate.  Raises ServerFailed with
        what went wrong, in whichever process it did.
        """
        self._start()
        size = min(self._size, job.connections) if job.spread else 1
        pipes = [pipe for _, pipe in self._workers[:size]]
        for place, pipe in enumerate(pipes):
            pipe.send((job, self.target, range(place, job.connections, size)))
        usages = [self.probe.usage()]
        try:
            while self._all_at_gate(pipes):
                if at_gate is not None and len(usages) == 1:
                    at_gate()
                usages.append(self.probe.usage())
                for pipe in pipes:
                    pipe.send("go")
            usages.append(self.probe.usage())
            return _together([pipe.recv() for pipe in pipes], usages)
        except EOFError as error:
            self.stop()
            raise BenchError("a client process has died") from error
        except (ServerFailed, KeyboardInterrupt):
            self.stop()
            raise

    def _all_at_gate(self, pipes: Sequence[Pipe]) -> bool:
        """Wait for every process: whether all stand at a gate, or else have ended."""
        told = [pipe.recv() for pipe in pipes]
        failures = [word for word in told if word not in ("gate", "end")]
        if failures:
            raise ServerFailed(failures[0])
        return bool(told[0] == "gate")

    def stop(self) -> None:
        for process, pipe in self._workers:
            pipe.close()
            process.terminate()
            process.join()
        self._workers = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        # Not forked: this process may have threads (rich), and a fresh one is small.
        spawning = multiprocessing.get_context("spawn")
        while len(self._workers) < self._size:
            ours, theirs = spawning.Pipe()
            process = spawning.Process(target=serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._workers.append((process, ours))


def _together(parts: Sequence[list[Phase]], usages: Sequence[Usage | None]) -> list[Phase]:
    if len({len(part) for part in parts}) != 1:
        raise BenchError("the clients did not pass the same gates")
    phases = []
    for number, same in enumerate(zip(*parts, strict=True)):
        whole = same[0]
        for other in same[1:]:
            whole.add(other)
        before, after = usages[number], usages[number + 1]
        whole.server = after.since(before) if before and after else None
        phases.append(whole)
    return phases


# --- in the client process ----------------------------------------------------------------


def serve(pipe: Pipe) -> None:
    """Do jobs until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    raise_file_limit()
    with suppress(EOFError):
        while True:
            job, target, numbers = pipe.recv()
            try:
                phases = _Shift(pipe, job, target).work(numbers)
            except (BenchError, OSError) as error:
                pipe.send(str(error))
                continue
            pipe.send("end")
            pipe.send(phases)


def raise_file_limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Shift:
    """One job in one process."""

    def __init__(self, pipe: Pipe, job: Job, target: Target) -> None:
        self._pipe = pipe
        self._job = job
        self._part = Part(target, job.options)
        self._phases: list[Phase] = []
        self._cpu = 0.0

    def work(self, numbers: Sequence[int]) -> list[Phase]:
        tasks = [Task(*self._job.script(self._part, number)) for number in numbers]
        gc.collect()
        gc.disable()  # nothing here makes cycles, and a pause would be measured
        try:
            self._begin()
            Loop(self._at_gate, PATIENCE_SECONDS).run(tasks)
            self._end()
        finally:
            gc.enable()
        return self._phases

    def _at_gate(self) -> None:
        self._end()
        self._pipe.send("gate")
        self._pipe.recv()
        self._begin()

    def _begin(self) -> None:
        part, counts = self._part, self._part.counts
        part.units, part.seconds, part.records = 0, [], []
        counts.sent = counts.received = counts.round_trips = 0
        self._cpu = time.process_time()
        began = time.monotonic()
        part.deadline = began + self._job.seconds
        self._phases.append(Phase(began))

    def _end(self) -> None:
        part, phase = self._part, self._phases[-1]
        phase.ended = time.monotonic()
        phase.client_cpu = time.process_time() - self._cpu
        phase.client_share = phase.client_cpu / phase.elapsed
        phase.units, phase.seconds, phase.records = part.units, part.seconds, part.records
        phase.sent, phase.received = part.counts.sent, part.counts.received
        phase.round_trips = part.counts.round_trips

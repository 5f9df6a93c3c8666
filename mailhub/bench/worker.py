"""A client process: ``python -m mailhub.bench.worker FD`` does the jobs that come by that pipe."""

from __future__ import annotations

import gc
import resource
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection as PipeEnd

from mailhub.bench.job import Job, Part, Phase
from mailhub.bench.loop import Loop, Task
from mailhub.bench.steps import BenchError
from mailhub.bench.target import Target

PATIENCE_SECONDS = 120.0


def serve(pipe: PipeEnd) -> None:
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

    def __init__(self, pipe: PipeEnd, job: Job, target: Target) -> None:
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


if __name__ == "__main__":
    serve(PipeEnd(int(sys.argv[1])))

"""The processes that play the clients, one per core, and how a measurement is given to them.

A job is a script, run on many connections that are dealt out to the processes.  Between two gates
lies a phase; at a gate everybody waits, and what the server has used is read.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection as PipeEnd
from pathlib import Path

import mailhub
from mailhub.bench.job import Job, Phase
from mailhub.bench.procs import Probe, Usage
from mailhub.bench.steps import BenchError, ServerFailed
from mailhub.bench.target import Target


class Crew:
    """The client processes; they are started once and used for all jobs."""

    def __init__(self, target: Target, size: int = 0) -> None:
        self.target = target
        self.probe = Probe(target)
        self._size = size or len(os.sched_getaffinity(0))
        self._workers: list[tuple[subprocess.Popen[bytes], PipeEnd]] = []

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

    def _all_at_gate(self, pipes: Sequence[PipeEnd]) -> bool:
        """Wait for every process: whether all stand at a gate, or else have ended."""
        told = [pipe.recv() for pipe in pipes]
        failures = [word for word in told if word not in ("gate", "end")]
        if failures:
            raise ServerFailed(failures[0])
        return bool(told[0] == "gate")

    def stop(self) -> None:
        for process, pipe in self._workers:
            pipe.close()
            process.kill()  # it may be in the middle of a job
            process.wait()
        self._workers = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        # Fresh processes, not forked ones: ours may have threads, and has loaded much more.
        source = str(Path(mailhub.__file__).parents[1])
        path = os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))
        while len(self._workers) < self._size:
            ours, theirs = Pipe()
            command = [sys.executable, "-m", "mailhub.bench.worker", str(theirs.fileno())]
            process = subprocess.Popen(  # noqa: S603  nothing of it is from outside
                command, pass_fds=[theirs.fileno()], env={**os.environ, "PYTHONPATH": path}
            )
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

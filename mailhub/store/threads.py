"""The store's threads for writing: many that wait for the disk, few that run Python.

A thread that wants Python's lock takes it from the reactor, and of eight that want it at once each
makes the reactor wait.  So of the jobs that a thread runs as a whole (those of long or new account
files) only two are at work at a time, and more only while those are stuck in something long.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from twisted.python.failure import Failure

from mailhub import log

Work = Callable[[], None]
Later = Callable[[float, Work], object]

FEW = 2
STUCK_SECONDS = 0.1
"""A job that takes longer keeps nobody waiting: it does not count as one of the few any more."""


class WriterThreads:
    """Threads for short work without a result: less ado than Twisted's pool makes of each call."""

    def __init__(self, count: int) -> None:
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"store-writer-{n}") for n in range(count)
        ]
        self.call = self._work.put

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what was given, and end."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except Exception:
                log.failure("error", Failure(), what="a writer thread")
            del work


class FewAtATime:
    """Runs jobs in their order, on threads that *call* lends: at most *most*."""

    def __init__(
        self,
        call: Callable[[Work], None],
        most: int,
        later: Later,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """*later* is used in the reactor, where jobs come from."""
        self._call = call
        self._most = most
        self._later = later
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[Work] = deque()
        self._began: dict[object, float] = {}
        """When each thread took the job that it is at."""
        self._watching = False

    def put(self, job: Work) -> None:
        """In the reactor; *job* must not raise."""
        with self._lock:
            self._waiting.append(job)
        self._lend()

    def _lend(self) -> None:
        """Have one more thread come if there is work for it, and look again if there still is."""
        with self._lock:
            if not self._waiting:
                return
            lend = self._at_work() < min(FEW, self._most) and len(self._began) < self._most
            if lend:
                thread = object()
                self._began[thread] = self._clock()
        if lend:
            self._call(lambda: self._run(thread))
        if not self._watching:
            self._watching = True
            self._later(STUCK_SECONDS, self._look)

    def _look(self) -> None:
        self._watching = False
        self._lend()

    def _at_work(self) -> int:
        """Threads whose jobs do not take long as yet."""
        since = self._clock() - STUCK_SECONDS
        return sum(began > since for began in self._began.values())

    def _run(self, thread: object) -> None:
        while (job := self._next(thread)) is not None:
            job()
            del job

    def _next(self, thread: object) -> Work | None:
        """None: there is nothing to do, or there are enough others who do it."""
        with self._lock:
            del self._began[thread]
            if not self._waiting or self._at_work() >= FEW:
                return None
            self._began[thread] = self._clock()
            return self._waiting.popleft()

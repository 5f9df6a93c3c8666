"""The threads in which passwords are hashed: few, and with a bounded queue.

A flood of log-ins must cost its senders time, not this machine its memory; who finds the queue
full is told to try again later.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from mailhub.interfaces import LogInUnavailable
from mailhub.net.agenda import Agenda

P = ParamSpec("P")
T = TypeVar("T")

MAX_WAITING = 1000
"""Jobs queued or running.  At 20 to 40 ms each on two cores the last one waits 10 to 20 seconds: as
long as every client does when a whole organisation comes at once, after a restart."""


class Hashing(Protocol):
    """Runs a slow function somewhere else."""

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """What *function* returns.  Raises LogInUnavailable when too many are waiting."""


class HashingThreads:
    """Of the server: a thread pool of its own, to be started and stopped with the process."""

    def __init__(self, agenda: Agenda, threads: int = 2) -> None:
        self._agenda = agenda
        self._pool = ThreadPool(0, threads, "hashing")
        self._waiting = 0

    def start(self) -> None:
        self._pool.start()

    def stop(self) -> None:
        self._pool.stop()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        if self._waiting >= MAX_WAITING:
            raise LogInUnavailable("too many password checks are waiting")
        self._waiting += 1
        outcome: Deferred[T] = Deferred()

        def done(succeeded: bool, result: T | Failure) -> None:
            # In the thread.  Cancelling `outcome` frees no place: the work is still to be done.
            self._agenda.add_from_thread(partial(self._hand_over, outcome, result))

        self._pool.callInThreadWithCallback(done, function, *args, **kwargs)
        return outcome

    def _hand_over(self, outcome: Deferred[T], result: T | Failure) -> None:
        self._waiting -= 1
        if isinstance(result, Failure):
            outcome.errback(result)
        else:
            outcome.callback(result)


class InlineHashing:
    """In place: for the command line and tests, where nobody else is waiting."""

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        outcome: Deferred[T] = Deferred()
        outcome.callback(function(*args, **kwargs))
        return outcome

"""A reactor's place in tests of real threads: calls from threads queue up until they are run."""

from __future__ import annotations

import queue
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.internet.task import Clock
from zope.interface import implementer

from tests.harness import start

T = TypeVar("T")
PATIENCE_SECONDS = 30


@implementer(IReactorFromThreads, IReactorTime)
class Loop(Clock):
    def __init__(self) -> None:
        super().__init__()
        self._calls: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()

    def callFromThread(  # type: ignore[override]  # Twisted's stub has a name twice
        self, fn: Callable[..., object], *args: Any, **kwargs: Any
    ) -> None:
        self._calls.put(lambda: fn(*args, **kwargs))

    def run(self, coroutine: Coroutine[Deferred[Any], Any, T]) -> T:
        """The result of *coroutine*, running what threads ask for meanwhile."""
        running = start(coroutine)
        while not running.done:
            self.turn()
        return running.result

    def turn(self) -> None:
        """Wait for one call from a thread, or let timers that wait for nothing but time go."""
        calls = self.getDelayedCalls()
        if calls:
            self.advance(max(0.0, min(call.getTime() for call in calls) - self.seconds()))
            self._run_waiting()
        else:
            self._calls.get(timeout=PATIENCE_SECONDS)()

    def _run_waiting(self) -> None:
        while True:
            try:
                call = self._calls.get(timeout=0.001)
            except queue.Empty:
                return
            call()

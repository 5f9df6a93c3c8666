"""Where the store's blocking work runs: threads in a server, in place in tests.

Only this module knows of thread pools.  Everything that commits runs through :meth:`Runner.write`,
long reads through :meth:`Runner.run`; results come back in the reactor thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from twisted.internet.defer import Deferred, execute, succeed
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

P = ParamSpec("P")
T = TypeVar("T")


class Runner(Protocol):
    """What the store asks of its surroundings; all but in_reactor is called in the reactor."""

    def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Call *fn* in a reader thread."""

    def write(self, fn: Callable[[], None]) -> None:
        """Call *fn* in a writer thread; it must not raise."""

    def in_reactor(self, fn: Callable[[], None]) -> None:
        """Call *fn* in the reactor thread, soon and in order.  From any thread."""

    def turn(self) -> Deferred[None]:
        """Let the reactor look at its sockets."""

    def later(self, seconds: float, fn: Callable[[], None]) -> Callable[[], None]:
        """Call *fn* in the reactor after *seconds*; returns how to call it off."""


class ThreadRunner:
    """Two pools of their own, so that a long search never keeps a delivery waiting."""

    def __init__(self, reactor: IReactorFromThreads, *, readers: int, writers: int) -> None:
        self._reactor = reactor
        self._clock = IReactorTime(reactor)
        self._readers = ThreadPool(1, readers, "store-reader")
        self._writers = ThreadPool(1, writers, "store-writer")

    def start(self) -> None:
        self._readers.start()
        self._writers.start()

    def stop(self) -> None:
        """Wait for what is running; nothing new may be given any more."""
        self._writers.stop()
        self._readers.stop()

    def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return deferToThreadPool(self._reactor, self._readers, fn, *args, **kwargs)

    def write(self, fn: Callable[[], None]) -> None:
        self._writers.callInThread(fn)

    def in_reactor(self, fn: Callable[[], None]) -> None:
        self._reactor.callFromThread(fn)

    def turn(self) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self._clock.callLater(0, done.callback, None)
        return done

    def later(self, seconds: float, fn: Callable[[], None]) -> Callable[[], None]:
        call = self._clock.callLater(seconds, fn)

        def call_off() -> None:
            if call.active():
                call.cancel()

        return call_off


class InlineRunner:
    """Everything happens in place, so every coroutine of the store completes at once.

    What was asked for *later* waits in :attr:`timers` until a test calls it.
    """

    def __init__(self) -> None:
        self.timers: list[Callable[[], None]] = []

    def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return execute(fn, *args, **kwargs)

    def write(self, fn: Callable[[], None]) -> None:
        fn()

    def in_reactor(self, fn: Callable[[], None]) -> None:
        fn()

    def turn(self) -> Deferred[None]:
        return succeed(None)

    def later(self, seconds: float, fn: Callable[[], None]) -> Callable[[], None]:
        self.timers.append(fn)

        def call_off() -> None:
            if fn in self.timers:
                self.timers.remove(fn)

        return call_off

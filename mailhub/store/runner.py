"""Where the store's blocking work runs: threads in a server, in place in tests.

Everything that commits runs through :meth:`Runner.write` or :meth:`Runner.wait`, long reads through
:meth:`Runner.run`; results come back in the reactor thread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar

from twisted.internet.defer import Deferred, execute, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.python.threadpool import ThreadPool

from mailhub.net.agenda import Agenda
from mailhub.store.threads import FewAtATime, WriterThreads

P = ParamSpec("P")
T = TypeVar("T")


class Runner(Protocol):
    """What the store asks of its surroundings; all but in_reactor is called in the reactor."""

    def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Call *fn* in a reader thread."""

    def write(self, fn: Callable[[], None]) -> None:
        """Call *fn* in a writer thread; it must not raise."""

    def wait(self, fn: Callable[[], None]) -> None:
        """The same for an *fn* that does little but wait for the disk."""

    def in_reactor(self, fn: Callable[[], None]) -> None:
        """Call *fn* in the reactor thread, soon and in order.  From any thread."""

    def turn(self) -> Deferred[None]:
        """Let the reactor look at its sockets."""

    def later(self, seconds: float, fn: Callable[[], None]) -> Callable[[], None]:
        """Call *fn* in the reactor after *seconds*; returns how to call it off."""


class ThreadRunner:
    """Threads of their own for both, so that a long search never keeps a delivery waiting."""

    def __init__(self, clock: IReactorTime, agenda: Agenda, *, readers: int, writers: int) -> None:
        """Results come back by the *agenda*."""
        self._clock = clock
        self._readers = ThreadPool(1, readers, "store-reader")
        self._writers = WriterThreads(writers)
        self.wait = self._writers.call
        self.write = FewAtATime(self._writers.call, writers, self.later).put
        self.in_reactor = agenda.add_from_thread
        self.turn = agenda.turn

    def start(self) -> None:
        self._readers.start()
        self._writers.start()

    def stop(self) -> None:
        """Wait for what is running; nothing new may be given any more."""
        self._writers.stop()
        self._readers.stop()

    def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        outcome: Deferred[T] = Deferred()

        def done(succeeded: bool, result: Any) -> None:
            self.in_reactor(partial(outcome.callback if succeeded else outcome.errback, result))

        self._readers.callInThreadWithCallback(done, fn, *args, **kwargs)
        return outcome

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

    def wait(self, fn: Callable[[], None]) -> None:
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

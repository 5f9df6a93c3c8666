"""Coroutines of a connection: the only place where they are started.

A coroutine is run in steps, from one wait to the next; before and after each step the connection
is told, so that the output of a step leaves as one write.  When the connection is lost all its
coroutines are cancelled; what one raises unexpectedly reaches ``crashed`` once.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.python.failure import Failure

T = TypeVar("T")


class Tasks:
    """``before()`` is called ahead of every step, ``after()`` with its result at the end."""

    __slots__ = ("_after", "_before", "_crashed", "_ended", "_tasks")

    def __init__(
        self,
        before: Callable[[], bool],
        after: Callable[[bool], None],
        crashed: Callable[[Failure], None],
    ) -> None:
        self._before = before
        self._after = after
        self._crashed = crashed
        self._tasks: set[_Task] = set()
        self._ended = False

    def spawn(self, coroutine: Coroutine[Deferred[Any], Any, T]) -> Deferred[T | None]:
        """Start *coroutine*.  The Deferred fires with its result, with None if it failed.

        Cancelling the Deferred cancels the coroutine.
        """
        if self._ended:
            coroutine.close()
            return succeed(None)
        task = _Task()
        self._tasks.add(task)
        running = Deferred.fromCoroutine(self._in_steps(task, coroutine))
        outcome: Deferred[T | None] = Deferred(lambda _: task.cancel())
        running.addErrback(self._failed)
        running.addCallback(self._done, task, outcome)
        return outcome

    def cancel_all(self) -> None:
        """Cancel everything, and start nothing more."""
        self._ended = True
        for task in list(self._tasks):
            task.cancel()

    def _in_steps(
        self, task: _Task, coroutine: Coroutine[Deferred[Any], Any, T]
    ) -> Generator[Deferred[Any], Any, T | None]:
        resume: Callable[[Any], Deferred[Any]] = coroutine.send
        value: Any = None
        while True:
            outermost = self._before()
            try:
                awaited = resume(value)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            except CancelledError as cancelled:
                # Going on up it would be held by frames that its traceback holds: a cycle.
                cancelled.__traceback__ = None
                return None
            finally:
                value = None  # for the same reason
                self._after(outermost)
            task.waits_for(awaited)
            try:
                value, resume = (yield awaited), coroutine.send
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as raised:  # handed to the coroutine, whatever it is
                value, resume = raised, coroutine.throw
            task.waiting_for = None

    def _failed(self, reason: Failure) -> None:
        self._crashed(reason)

    def _done(self, result: T | None, task: _Task, outcome: Deferred[T | None]) -> None:
        self._tasks.discard(task)
        if not outcome.called:
            outcome.callback(result)


class _Task:
    __slots__ = ("_cancelled", "waiting_for")

    def __init__(self) -> None:
        self.waiting_for: Deferred[Any] | None = None
        self._cancelled = False

    def waits_for(self, awaited: Deferred[Any]) -> None:
        self.waiting_for = awaited
        if self._cancelled:
            awaited.cancel()

    def cancel(self) -> None:
        """At its wait; a task that is in the midst of a step (it may be us) at its next one."""
        self._cancelled = True
        if self.waiting_for is not None:
            self.waiting_for.cancel()

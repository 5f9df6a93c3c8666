"""Coroutines of a connection: the only place where they are started.

A coroutine is run in steps, from one wait to the next; before and after each step the connection
is told, so that the output of a step leaves as one write.  When the connection is lost all its
coroutines are cancelled; what one raises unexpectedly reaches ``crashed`` once.

Twisted's own ``Deferred.fromCoroutine`` is not used: a server runs hardly anything else than these
steps, and this way one costs a third.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.python.failure import Failure

T = TypeVar("T")


class Tasks:
    """``before()`` is called ahead of every step, ``after()`` with its result at the end."""

    __slots__ = ("_ended", "_running", "after", "before", "crashed")

    def __init__(
        self,
        before: Callable[[], bool],
        after: Callable[[bool], None],
        crashed: Callable[[Failure], None],
    ) -> None:
        self.before = before
        self.after = after
        self.crashed = crashed
        self._running: set[_Task] = set()
        self._ended = False

    def spawn(self, coroutine: Coroutine[Deferred[Any], Any, T]) -> Deferred[T | None]:
        """Start *coroutine*.  The Deferred fires with its result, with None if it failed.

        Cancelling the Deferred cancels the coroutine.
        """
        if self._ended:
            coroutine.close()
            return succeed(None)
        task = _Task(self, coroutine)
        self._running.add(task)
        task.step(None)
        return task.outcome

    def cancel_all(self) -> None:
        """Cancel everything, and start nothing more."""
        self._ended = True
        for task in list(self._running):
            task.cancel()

    def ended(self, task: _Task) -> None:
        self._running.discard(task)


class _Task:
    __slots__ = ("_cancelled", "_coroutine", "_tasks", "_waiting_for", "outcome")

    def __init__(self, tasks: Tasks, coroutine: Coroutine[Deferred[Any], Any, Any]) -> None:
        self._tasks = tasks
        self._coroutine = coroutine
        self._waiting_for: Deferred[Any] | None = None
        self._cancelled = False
        self.outcome: Deferred[Any] = Deferred(lambda _: self.cancel())

    def step(self, result: object) -> None:
        """Go on to the next wait; *result* is that of the last one."""
        self._waiting_for = None
        try:
            awaited = self._resume(result)
        except StopIteration as end:
            self._end(end.value)
        except CancelledError as cancelled:
            # It is held by frames that its traceback holds: a cycle.
            cancelled.__traceback__ = None
            self._end(None)
        except BaseException:  # told, whatever it is
            self._tasks.crashed(Failure())
            self._end(None)
        else:
            self._wait(awaited)

    def _resume(self, result: object) -> Deferred[Any]:
        outermost = self._tasks.before()
        try:
            awaited: Deferred[Any]
            if isinstance(result, Failure):
                awaited = result.throwExceptionIntoGenerator(self._coroutine)
            else:
                awaited = self._coroutine.send(None)  # the Deferred hands out its result itself
            return awaited
        finally:
            self._tasks.after(outermost)

    def cancel(self) -> None:
        """At its wait; a task that is in the midst of a step (it may be us) at its next one."""
        self._cancelled = True
        if self._waiting_for is not None:
            self._waiting_for.cancel()

    def _wait(self, awaited: Deferred[Any]) -> None:
        self._waiting_for = awaited
        awaited.addBoth(self.step)
        if self._cancelled and self._waiting_for is awaited:
            awaited.cancel()

    def _end(self, result: object) -> None:
        self._tasks.ended(self)
        if not self.outcome.called:
            self.outcome.callback(result)

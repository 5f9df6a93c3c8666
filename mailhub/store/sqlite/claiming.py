"""Claiming \\Recent: one session of a process at a time.

A message may be told to many sessions at once.  Whoever comes second waits for the first, and then
mostly finds that nothing is left to be claimed, instead of finding it out in a transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")


class Claiming:
    """Of one account's file."""

    def __init__(self) -> None:
        self._busy = False
        self._waiting: list[Deferred[None]] = []

    async def alone(self, work: Callable[[], Deferred[T]]) -> T | None:
        """What *work* gives; or None, when somebody else was at it and has ended."""
        if self._busy:
            waiting = Deferred[None](self._forget)
            self._waiting.append(waiting)
            await waiting
            return None
        self._busy = True
        try:
            return await work()
        finally:
            self._busy = False
            waiting_for_us, self._waiting = self._waiting, []
            for one in waiting_for_us:
                if not one.called:
                    one.callback(None)

    def _forget(self, cancelled: Deferred[Any]) -> None:
        if cancelled in self._waiting:
            self._waiting.remove(cancelled)

"""How long the reactor hears nobody: a timer of every 10 ms, and how late it was each time.

A pause is seen as at least its length less 10 ms.  While nobody is connected the timer rests, so
that an idle server lets the processor sleep.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from mailhub.metrics import Metrics

BEAT_SECONDS = 0.01
RESTING_SECONDS = 1.0
WINDOW_SECONDS = 60.0


class PauseWatch:
    """Tells *metrics*, as worker *name*; *busy* says whether anybody is connected."""

    def __init__(
        self,
        reactor: IReactorTime,
        metrics: Metrics,
        name: str,
        busy: Callable[[], bool],
        beat: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """*beat* is called each time."""
        self._reactor = reactor
        self._metrics = metrics
        self._name = name
        self._busy = busy
        self._beat = beat
        self._clock = clock
        self._next: IDelayedCall | None = None
        self._due = 0.0
        self._longest = [0.0, 0.0]
        """In this window and the one before."""
        self._window_ends = 0.0

    def start(self) -> None:
        self._window_ends = self._clock() + WINDOW_SECONDS
        self._wait()

    def stop(self) -> None:
        if self._next is not None and self._next.active():
            self._next.cancel()

    def _wait(self) -> None:
        seconds = BEAT_SECONDS if self._busy() else RESTING_SECONDS
        self._due = self._clock() + seconds
        self._next = self._reactor.callLater(seconds, self._look)

    def _look(self) -> None:
        self._beat()
        now = self._clock()
        late = max(0.0, now - self._due)
        self._metrics.reactor_delay(self._name, late)
        before = max(self._longest)
        if now >= self._window_ends:
            self._window_ends = now + WINDOW_SECONDS
            self._longest = [0.0, self._longest[0]]
        self._longest[0] = max(self._longest[0], late)
        if max(self._longest) != before:
            self._metrics.reactor_longest_pause(self._name, max(self._longest))
        self._wait()

"""The agenda: what is to be done in the reactor soon, in order, for at most 1.5 ms in one turn.

Results of threads, answers of the directory and long answers that have let others go first all
wait here.  Each may be a log-in that goes on or a stretch of a mailbox: a hundred of them that are
due at once would keep everybody else from being heard.  There is one agenda for a process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mailhub import log

AGENDA_SECONDS = 0.0015
"""For so long is done what is due: on a busy machine it takes five times as long by the clock."""


class Agenda:
    """Of the reactor of a process: *reactor* tells the time and takes calls from threads."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._due: deque[Callable[[], object]] = deque()
        self._announced = False
        """Somebody has seen to it that what is due is done."""

    def add(self, call: Callable[[], object]) -> None:
        """Have *call* done in the next turns.  In the reactor's thread; *call* may raise."""
        self._due.append(call)
        if not self._announced:
            self._announce()

    def add_from_thread(self, call: Callable[[], object]) -> None:
        """The same from any thread; the reactor is woken once for all that have gathered."""
        self._due.append(call)
        if not self._announced:
            self._announced = True
            self._reactor.callFromThread(self._do)

    def turn(self) -> Deferred[None]:
        """Fires when those who are due already have had their turn; may be cancelled."""
        waiting: Deferred[None] = Deferred()

        def go_on() -> None:
            if not waiting.called:
                waiting.callback(None)

        self.add(go_on)
        return waiting

    def _announce(self) -> None:
        self._announced = True
        self._reactor.callLater(0, self._do)

    def _do(self) -> None:
        # First, or what a thread adds meanwhile could wait for ever.
        self._announced = False
        clock = self._reactor.seconds
        ends = clock() + AGENDA_SECONDS
        for _ in range(len(self._due)):
            try:
                self._due.popleft()()
            except Exception:
                log.failure("error", Failure(), what="a call in the reactor")
            if clock() >= ends:
                break
        if self._due and not self._announced:
            self._announce()

"""A fair reactor: it serves sockets for 1 ms in a turn, and timers and results come in between.

Twisted's reactor goes through all sockets that can be read before it does anything else: in a
storm of 500 log-ins that is a tenth of a second.  Here it asks the kernel for one at a time, until
none is left or the time is over.  The kernel keeps them in a queue, so nobody is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.epollreactor import EPollReactor

SOCKETS_SECONDS = 0.001
"""What is begun in this time is finished: a command takes 0.1 to 1 ms."""


def make_fair(reactor: object, clock: Callable[[], float] = time.monotonic) -> None:
    """For the life of *reactor*; one that does not use epoll is left as it is."""
    if not isinstance(reactor, EPollReactor):
        return
    one = _OneAtATime(reactor._poller, clock)
    look: Callable[[float | None], None] = reactor.doPoll

    def turn(seconds: float | None) -> None:
        look(seconds)
        ends = one.found_at + SOCKETS_SECONDS
        while one.found and clock() < ends:
            look(0)

    reactor._poller = one
    reactor.doIteration = turn  # type: ignore[method-assign]


class _OneAtATime:
    """What the reactor uses of ``select.epoll``."""

    def __init__(self, poller: Any, clock: Callable[[], float]) -> None:
        self._poll = poller.poll
        self._clock = clock
        self.found: list[tuple[int, int]] = []
        """The last time."""
        self.found_at = 0.0
        self.register = poller.register
        self.modify = poller.modify
        self.unregister = poller.unregister
        self.fileno = poller.fileno
        self.close = poller.close

    def poll(self, seconds: float, most: int) -> list[tuple[int, int]]:
        self.found = self._poll(seconds, 1)
        self.found_at = self._clock()
        return self.found

"""A fair reactor: it looks at few sockets in one turn, so that timers and results come in between.

Twisted's reactor goes through all sockets that can be read before it does anything else: in a
storm of 500 log-ins that is a tenth of a second.  The kernel keeps them in a queue and gives the
next ones the next time, so nobody is passed over.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.epollreactor import EPollReactor

AT_ONCE = 8
"""Sockets looked at in one turn; each takes some 0.1 to 1 ms."""


def make_fair(reactor: object) -> None:
    """For the life of *reactor*; one that does not use epoll is left as it is."""
    if isinstance(reactor, EPollReactor):
        reactor._poller = _FewAtOnce(reactor._poller)


class _FewAtOnce:
    """What the reactor uses of ``select.epoll``."""

    def __init__(self, poller: Any) -> None:
        self._poll = poller.poll
        self.register = poller.register
        self.modify = poller.modify
        self.unregister = poller.unregister
        self.fileno = poller.fileno
        self.close = poller.close

    def poll(self, seconds: float, most: int) -> list[tuple[int, int]]:
        return self._poll(seconds, min(most, AT_ONCE))  # type: ignore[no-any-return]

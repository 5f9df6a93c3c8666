"""Time limits for whole operations on blocking sockets.

A socket's own timeout starts again with every octet that comes, so a server that answers one octet
a second holds a thread for ever.  One thread here looks after all operations and shuts the
connection of one that has taken too long; the thread that waits for it then gets an error.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TICK_SECONDS = 0.1


@dataclass(slots=True)
class Limit:
    """Of one operation."""

    end: float
    abort: Callable[[], None]
    passed: bool = False


class Watchdog:
    """Its thread starts with the first limit and ends when there has been none for a while."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._limits: dict[int, Limit] = {}
        self._running = False

    @contextmanager
    def limit(self, abort: Callable[[], None], seconds: float) -> Iterator[Limit]:
        """Call *abort* in another thread if the block takes longer than *seconds*."""
        limit = Limit(time.monotonic() + seconds, abort)
        with self._lock:
            self._limits[id(limit)] = limit
            if not self._running:
                self._running = True
                threading.Thread(target=self._watch, name="ldap-watchdog", daemon=True).start()
        try:
            yield limit
        finally:
            with self._lock:
                del self._limits[id(limit)]

    def _watch(self) -> None:
        idle = 0
        while True:
            with self._lock:
                self._lock.wait(TICK_SECONDS)  # nobody notifies: it is a clock
                idle = 0 if self._limits else idle + 1
                if idle > 100:
                    self._running = False
                    return
                now = time.monotonic()
                for limit in self._limits.values():
                    if limit.end < now and not limit.passed:
                        limit.passed = True
                        limit.abort()

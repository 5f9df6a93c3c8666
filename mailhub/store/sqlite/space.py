"""Whether the disk has room for new mail."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from mailhub import log
from mailhub.model.errors import StorageFull

LOOK_EVERY_OCTETS = 16 * 1024 * 1024
LOOK_EVERY_SECONDS = 1.0


class Space:
    """Refuses new mail when less than *min_free* octets would be left.

    What is kept back is what deleting and checkpointing need to work on a full disk.  Becoming
    full and having room again is an event each.
    """

    def __init__(self, folder: Path, min_free: int, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._min_free = min_free
        self._clock = clock
        self._free = 0
        self._taken = 0
        """Octets since the last look."""
        self._looked = float("-inf")
        self._full = False

    def check(self, octets: int) -> None:
        """Raises StorageFull."""
        self._taken += octets
        now = self._clock()
        if self._taken >= LOOK_EVERY_OCTETS or not 0 <= now - self._looked < LOOK_EVERY_SECONDS:
            found = os.statvfs(self._folder)
            self._free = found.f_bavail * found.f_frsize
            self._looked, self._taken = now, octets
        full = self._free - self._taken < self._min_free
        if full is not self._full:
            self._full = full
            self._tell()
        if full:
            raise StorageFull

    def _tell(self) -> None:
        about = {"path": str(self._folder), "octets": self._free}
        if self._full:
            log.event("store.full", level="error", **about)
        else:
            log.event("store.room", level="warn", **about)

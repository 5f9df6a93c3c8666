"""How long what a directory said of a person is taken for true without asking again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from mailhub.model.identity import Identity


class Freshness:
    """*seconds* by directory."""

    def __init__(
        self, seconds: Mapping[str, float], clock: Callable[[], float] = time.time
    ) -> None:
        self._seconds = seconds
        self._clock = clock

    def is_fresh(self, identity: Identity) -> bool:
        """Also when the directory is not configured any more: nobody could be asked."""
        seconds = self._seconds.get(identity.person.directory)
        return seconds is None or 0 <= self._clock() - identity.seen < seconds

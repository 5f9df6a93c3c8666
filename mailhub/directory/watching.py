"""What the directory code tells its surroundings: events for the log, figures for the metrics.

The code runs in a helper process or on the command line, where neither the log nor the metrics
are; what it tells is carried to where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

Level = str


class Watcher(Protocol):
    """Called from any thread."""

    def event(self, name: str, level: Level, fields: Mapping[str, object]) -> None:
        """Of :data:`mailhub.log.EVENTS`."""

    def measured(self, server: str, operation: str, outcome: str, seconds: float) -> None:
        """A bind, a search or an opened connection; *outcome* is ``ok`` or a kind of trouble."""

    def breaker(self, server: str, *, is_open: bool) -> None:
        """Whether the server is left alone for the time being."""


class Nobody:
    """For the command line and tests, where answers are enough."""

    def event(self, name: str, level: Level, fields: Mapping[str, object]) -> None:
        """Nobody listens."""

    def measured(self, server: str, operation: str, outcome: str, seconds: float) -> None:
        """Nobody counts."""

    def breaker(self, server: str, *, is_open: bool) -> None:
        """Nobody watches."""

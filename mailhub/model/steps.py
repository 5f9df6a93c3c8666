"""What was done to decide something, step by step: how ``mailhub explain`` knows.

Code that decides (a log-in, a recipient, a limit) tells its steps to whoever asked.  In service
nobody wants them and :data:`UNHEARD` forgets each at once; the command line hands in a
:class:`Steps` and prints it, so what is explained is what was run.  A step never holds a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class Hearer(Protocol):
    """Takes steps."""

    def add(self, what: str, **facts: object) -> None:
        """*what* is a few words ("search", "bind", "group rule"), *facts* what came of it."""


@dataclass(frozen=True, slots=True)
class Step:
    what: str
    facts: Mapping[str, object]


class Steps:
    """Keeps them in order."""

    def __init__(self) -> None:
        self.taken: list[Step] = []

    def add(self, what: str, **facts: object) -> None:
        self.taken.append(Step(what, facts))


class _Unheard:
    def add(self, what: str, **facts: object) -> None:
        """Nobody asked."""


UNHEARD: Hearer = _Unheard()

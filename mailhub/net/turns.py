"""Taking turns at listening sockets that several processes share; see :mod:`.doors`.

Each process has a word in shared memory that says how many turns it has had, and writes no other.
"""

from __future__ import annotations

from collections.abc import Sequence

SLACK = 1
"""So many more than the others a process may take: it costs less than waiting for them."""


class SharedTurns:
    """*words*: one for each process, 0 while it takes none; *mine* is ours."""

    def __init__(self, words: memoryview[int], mine: int) -> None:
        self._words = words
        self._mine = mine
        self._others = [number for number in range(len(words)) if number != mine]

    def begin(self) -> None:
        """Join in, level with the others: nobody has to make up for the time before."""
        self._words[self._mine] = max(1, *self._taking()) if self._others else 1

    def end(self) -> None:
        self._words[self._mine] = 0

    def is_ahead(self) -> bool:
        taking = [turns for turns in self._taking() if turns]
        return bool(taking) and self._words[self._mine] > min(taking) + SLACK

    def took(self) -> None:
        self._words[self._mine] += 1

    def level(self) -> None:
        taking = [turns for turns in self._taking() if turns]
        if taking:
            self._words[self._mine] = min(self._words[self._mine], *taking)

    def _taking(self) -> Sequence[int]:
        return [self._words[number] for number in self._others]

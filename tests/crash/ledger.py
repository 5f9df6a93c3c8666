"""What clients were told by a server that gets killed, and what must therefore be in the mailboxes.

Of every message the ledger knows where it may be: one possibility when the last thing the
clients did with it was acknowledged, several while an answer is outstanding.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence

Places = tuple[str, ...]
"""The mailboxes a message is in, sorted, one as often as it is there."""
NOWHERE: Places = ()


class Ledger:
    """Used by the threads of all clients of one account each."""

    def __init__(self) -> None:
        self._allowed: dict[str, set[Places]] = {}
        self._going: set[str] = set()
        """Somebody has asked for their removal, perhaps before their delivery was answered."""
        self._together: list[frozenset[str]] = []
        self._told = threading.Condition()
        self.acknowledged = 0

    def asked(self, tokens: Iterable[str], becomes: Places) -> None:
        """The server is about to be asked to bring each of *tokens* to the places *becomes*."""
        with self._told:
            if becomes == NOWHERE:
                self._going.update(tokens := list(tokens))
            for token in tokens:
                self._allowed.setdefault(token, {NOWHERE}).add(becomes)

    def asked_together(self, tokens: Iterable[str], becomes: Places) -> None:
        """The same for what must happen to all of them or to none."""
        tokens = frozenset(tokens)
        self.asked(tokens, becomes)
        with self._told:
            self._together.append(tokens)

    def told(self, tokens: Iterable[str], places: Places) -> None:
        """The server has said that it is done."""
        with self._told:
            for token in tokens:
                if places == NOWHERE or token not in self._going:
                    self._allowed[token] = {places}
            self.acknowledged += 1
            self._told.notify_all()

    def wait(self, acknowledgements: int, seconds: float) -> None:
        """Until so many more have come.  Raises TimeoutError."""
        with self._told:
            goal = self.acknowledged + acknowledgements
            if not self._told.wait_for(lambda: self.acknowledged >= goal, seconds):
                raise TimeoutError(f"{self.acknowledged} of {goal} acknowledgements")

    def settle(self, found: Mapping[str, Sequence[str]]) -> list[str]:
        """Compare with what is *found* (message to mailboxes); what is wrong, in sentences.

        What was open is decided by it.
        """
        seen = {token: tuple(sorted(places)) for token, places in found.items()}
        wrong = [
            f"{token} is in {seen[token]}, never sent" for token in seen.keys() - self._allowed
        ]
        for token, allowed in self._allowed.items():
            places = seen.get(token, NOWHERE)
            if places not in allowed:
                wrong.append(f"{token} is in {places}, told: {sorted(allowed)}")
            self._allowed[token] = {places}
        for tokens in self._together:
            if len({seen.get(token, NOWHERE) for token in tokens}) > 1:
                wrong.append(f"half done: {sorted(tokens)}")
        self._together.clear()
        return wrong

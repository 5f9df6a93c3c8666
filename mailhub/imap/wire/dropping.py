"""Reading the rest of a command only to forget it, so that none of it is taken for a command."""

from __future__ import annotations

import re

from mailhub.imap.wire.events import Literal
from mailhub.imap.wire.lines import LineBuffer

_LITERAL = re.compile(rb"(~?)\{([0-9]+)(\+?)\}\Z")
_MAX_DIGITS = 18  # more are past every limit, and int() need not see them
_TAIL = 64  # so long may a literal's mark be; kept of a line that is dropped piece by piece


class TooMuch(Exception):
    """More than anybody should have to read in vain."""


def announced_literal(line: bytes) -> Literal | None:
    """The literal that *line* announces at its end."""
    if not line.endswith(b"}"):
        return None
    match = _LITERAL.search(line, max(0, len(line) - _TAIL))
    if match is None:
        return None
    tilde, digits, plus = match.groups()
    octets = int(digits) if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS
    return Literal(octets, waits=not plus, binary=bool(tilde))


class Dropping:
    """Drops lines and the literals they announce; at most *limit* octets."""

    __slots__ = ("_buffer", "_done", "_dropped", "_limit", "_literal_octets")

    def __init__(self, buffer: LineBuffer, limit: int, *, literal_octets: int = 0) -> None:
        """Begins in a line or, with *literal_octets*, in a literal with so many still to come."""
        self._buffer = buffer
        self._limit = limit
        self._literal_octets = literal_octets
        self._dropped = 0
        self._done = False

    def behind(self, line: bytes) -> None:
        """Go on behind *line*, which counts as dropped.  Raises TooMuch."""
        self._count(len(line))
        self.behind_mark(announced_literal(line))

    def behind_mark(self, literal: Literal | None) -> None:
        """Go on behind a line's end; a literal that waits will never come, nor more of it."""
        if literal is None or literal.waits:
            self._done = True
        else:
            self._literal_octets = literal.octets

    def run(self) -> bool:
        """Drop what has come; whether the command has ended.  Raises TooMuch."""
        while not self._done:
            if self._literal_octets:
                if not self._drop_literal():
                    return False
            elif (line := self._buffer.line()) is not None:
                self.behind(line)
            else:
                self._drop_unended_line()
                return False
        return True

    def _drop_literal(self) -> bool:
        if self._dropped + self._literal_octets > self._limit:
            raise TooMuch
        octets = min(self._literal_octets, len(self._buffer))
        self._buffer.drop(octets)
        self._dropped += octets
        self._literal_octets -= octets
        return not self._literal_octets

    def _drop_unended_line(self) -> None:
        if self._dropped + len(self._buffer) - 1 > self._limit:  # the last may be a CR
            raise TooMuch
        surplus = max(0, len(self._buffer) - _TAIL)
        self._buffer.drop(surplus)
        self._dropped += surplus

    def _count(self, octets: int) -> None:
        self._dropped += octets
        if self._dropped > self._limit:
            raise TooMuch

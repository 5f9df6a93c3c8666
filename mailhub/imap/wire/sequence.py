"""Sequence sets as a client writes them: ``1:3,7,*`` or ``$``.  RFC 9051 9, RFC 5182.

``*`` and ``$`` mean something only in a mailbox, so a set stays as written until it meets one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.model.numbers import MAX_UID, NumberSet

STAR = 0
"""``*`` in a range; no message has this number."""

_RANGE = re.compile(rb"([1-9][0-9]{0,9}|\*)(?::([1-9][0-9]{0,9}|\*))?\Z")


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """``ranges`` in the order written, ends in any order; ``is_saved``: it was ``$``."""

    ranges: tuple[tuple[int, int], ...] = ()
    is_saved: bool = False

    def resolve(self, largest: int) -> NumberSet:
        """The numbers meant when ``*`` is *largest* (9051 9: also of ``500:*``, if it is less)."""
        if len(self.ranges) == 1:
            low, high = self.ranges[0]
            low, high = low or largest, high or largest
            return NumberSet(((low, high) if low <= high else (high, low),))
        return NumberSet.of_ranges((a or largest, b or largest) for a, b in self.ranges)

    @property
    def fixed(self) -> NumberSet:
        """What does not depend on ``*``."""
        return NumberSet.of_ranges((a, b) for a, b in self.ranges if a and b)


SAVED = SequenceSet(is_saved=True)


def parse_sequence_set(text: bytes) -> SequenceSet:
    """Raises SyntaxRefused."""
    if text == b"$":
        return SAVED
    return SequenceSet(tuple(_range(part) for part in text.split(b",")))


def _range(text: bytes) -> tuple[int, int]:
    match = _RANGE.match(text)
    if match is None:
        raise SyntaxRefused("Not a set of message numbers")
    low = _number(match[1])
    return low, low if match[2] is None else _number(match[2])


def _number(text: bytes) -> int:
    if text == b"*":
        return STAR
    number = int(text)
    if number > MAX_UID:
        raise SyntaxRefused("A message number is too large")
    return number

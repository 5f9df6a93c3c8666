"""Sets of UIDs or message sequence numbers, as sorted disjoint ranges.

A mailbox of 100,000 messages is one range; a set never holds an object per number.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NewType

Uid = NewType("Uid", int)
SeqNum = NewType("SeqNum", int)
ModSeq = NewType("ModSeq", int)

MAX_UID = 2**32 - 1


@dataclass(frozen=True, slots=True)
class NumberSet:
    """Ascending, disjoint, non-adjacent, inclusive ``(low, high)`` ranges."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of_ranges(cls, ranges: Iterable[tuple[int, int]]) -> NumberSet:
        """The set that covers *ranges*, given in any order and overlapping at will."""
        merged: list[tuple[int, int]] = []
        for low, high in sorted((min(r), max(r)) for r in ranges):
            if merged and low <= merged[-1][1] + 1:
                if high > merged[-1][1]:
                    merged[-1] = (merged[-1][0], high)
            else:
                merged.append((low, high))
        return cls(tuple(merged))

    @classmethod
    def of_sorted(cls, numbers: Iterable[int]) -> NumberSet:
        """The set of *numbers*, which ascend strictly."""
        ranges: list[tuple[int, int]] = []
        low = high = -1
        for n in numbers:
            if n == high + 1 and low >= 0:
                high = n
                continue
            if low >= 0:
                ranges.append((low, high))
            low = high = n
        if low >= 0:
            ranges.append((low, high))
        return cls(tuple(ranges))

    @classmethod
    def of(cls, *numbers: int) -> NumberSet:
        return cls.of_sorted(sorted(set(numbers)))

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __len__(self) -> int:
        return sum(high - low + 1 for low, high in self.ranges)

    def __iter__(self) -> Iterator[int]:
        for low, high in self.ranges:
            yield from range(low, high + 1)

    def __contains__(self, n: object) -> bool:
        if not isinstance(n, int):
            return False
        i = bisect_right(self.ranges, (n, MAX_UID + 1)) - 1
        return i >= 0 and n <= self.ranges[i][1]

    def __str__(self) -> str:
        """The form that RFC 9051 calls a sequence-set: ``1:3,5``; empty for the empty set."""
        return ",".join(f"{lo}:{hi}" if lo != hi else str(lo) for lo, hi in self.ranges)

    def __or__(self, other: NumberSet) -> NumberSet:
        return NumberSet.of_ranges(self.ranges + other.ranges)

    def __and__(self, other: NumberSet) -> NumberSet:
        result: list[tuple[int, int]] = []
        a, b = self.ranges, other.ranges
        if len(b) == 1 and a and b[0][0] <= a[0][0] and a[-1][1] <= b[0][1]:
            return self  # most often something is held against all there is
        i = j = 0
        while i < len(a) and j < len(b):
            low, high = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
            if low <= high:
                result.append((low, high))
            if a[i][1] < b[j][1]:
                i += 1
            else:
                j += 1
        return NumberSet(tuple(result))

    def __sub__(self, other: NumberSet) -> NumberSet:
        result: list[tuple[int, int]] = []
        holes = other.ranges
        j = 0
        for low, high in self.ranges:
            while j < len(holes) and holes[j][1] < low:
                j += 1
            k = j
            while k < len(holes) and holes[k][0] <= high:
                if holes[k][0] > low:
                    result.append((low, holes[k][0] - 1))
                low = holes[k][1] + 1
                k += 1
            if low <= high:
                result.append((low, high))
        return NumberSet(tuple(result))

    @property
    def lowest(self) -> int:
        """The smallest member; IndexError when empty."""
        return self.ranges[0][0]

    @property
    def highest(self) -> int:
        """The largest member; IndexError when empty."""
        return self.ranges[-1][1]

    def select(self, ascending: Sequence[int]) -> Sequence[int]:
        """The members that occur in *ascending* (a sorted array), without scanning it."""
        if len(self.ranges) == 1:
            low, high = self.ranges[0]
            return ascending[bisect_right(ascending, low - 1) : bisect_right(ascending, high)]
        found: list[int] = []
        at, count = 0, len(ascending)
        for low, high in self.ranges:
            if at == count:
                break
            # Places grow at most as fast as numbers, which leaves little to look through.
            first = bisect_left(ascending, low, at, min(count, at + max(low - ascending[at], 0)))
            at = bisect_left(ascending, high + 1, first, min(count, first + high - low + 1))
            found += ascending[first:at]
        return found


EVERYTHING = NumberSet(((1, MAX_UID),))

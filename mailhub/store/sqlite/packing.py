"""Many rows as one: columns packed in SQL, sets of UIDs bound as arrays.

apsw takes and gives back Python's lock at every row, which is slow beside other threads, so a
read of thousands of messages is one aggregate row: integers as fixed-width hexadecimal, texts
and blobs end to end with their lengths.  The order of the inner rows is that of the scan.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import apsw

from mailhub.model.flags import FIRST_KEYWORD_BIT
from mailhub.model.numbers import NumberSet

if TYPE_CHECKING:
    from apsw import Binding, CArrayBinding  # only the type stubs know them

LOW = "(r.value >> 32 & 4294967295)"
HIGH = "(r.value & 4294967295)"

UIDS = "group_concat(format('%08x', uid), '')"
"""The uid column packed; read with :func:`unpack_uids`."""

FLAG_ROWS = "group_concat(format('%016x%016x%016x', uid, flags, modseq), '')"
"""Three columns packed; read with :func:`unpack_flag_rows`."""

BRIEF_FLAG_ROWS = "group_concat(format('%08x%08x', uid, flags), '')"
BRIEF_KEYWORDS = 32 - FIRST_KEYWORD_BIT
"""Of a mailbox with no more keywords than that all masks have 32 bits."""


def among(mailbox: int, uids: NumberSet, table: str = "message") -> tuple[str, tuple[Binding, ...]]:
    """What follows FROM to get the rows of *uids* (not empty) in ascending order.

    The table is ``m``; further conditions can follow with AND.  CROSS JOIN keeps SQLite from
    turning the loop around, so each range is one seek.
    """
    if len(uids.ranges) == 1:
        low, high = uids.ranges[0]
        return f"{table} AS m WHERE m.mailbox = ? AND m.uid BETWEEN ? AND ?", (mailbox, low, high)
    return (
        f"carray(?) AS r CROSS JOIN {table} AS m"
        f" WHERE m.mailbox = ? AND m.uid BETWEEN {LOW} AND {HIGH}",
        (packed_ranges(uids), mailbox),
    )


def chosen(uids: NumberSet) -> tuple[str, tuple[Binding, ...]]:
    """A condition on ``uid`` for UPDATE and DELETE; *uids* are known to exist, not empty."""
    if len(uids.ranges) == 1:
        return "uid BETWEEN ? AND ?", uids.ranges[0]
    return "uid IN (SELECT value FROM carray(?))", (integers(uids),)


def clipped(uids: NumberSet, after: int, most: int = 2_000) -> tuple[NumberSet, int | None]:
    """The first ranges of *uids* above *after*, and how far they reach if that is not all."""
    ranges = uids.ranges
    start = bisect_right(ranges, after, key=lambda r: r[1])
    chosen = ranges[start : start + most]
    reach = chosen[-1][1] if start + most < len(ranges) else None
    if chosen and chosen[0][0] <= after:
        chosen = ((after + 1, chosen[0][1]), *chosen[1:])
    return NumberSet(chosen), reach


def packed_ranges(uids: NumberSet) -> CArrayBinding:
    """*uids* (not empty) for ``carray(?)``: each range as one 64-bit integer."""
    packed = array("Q", [low << 32 | high for low, high in uids.ranges])
    return apsw.carray(packed, flags=apsw.SQLITE_CARRAY_INT64)


def integers(values: Iterable[int]) -> CArrayBinding:
    """*values* (not empty) for ``carray(?)``."""
    return apsw.carray(array("q", values))


def unpack_uids(packed: str | None) -> array[int]:
    """What UIDS gave; None (no row) is empty."""
    return _unhex("I", packed)


def unpack_flag_rows(packed: str | None) -> tuple[array[int], array[int], array[int]]:
    """What FLAG_ROWS gave: uids, flags, modseqs."""
    columns = _unhex("Q", packed)
    return array("I", columns[::3]), columns[1::3], columns[2::3]


def unpack_brief(packed: str | None) -> tuple[array[int], array[int], array[int]]:
    """What BRIEF_FLAG_ROWS gave: uids, flags, no modseqs."""
    columns = _unhex("I", packed)
    return columns[::2], columns[1::2], array("Q")


def unpack_integers(packed: str | None) -> array[int]:
    """Values packed with ``%016x``, which shows negative ones as two's complement."""
    values = _unhex("Q", packed)
    return array("q", values.tobytes())


def _unhex(code: str, packed: str | None) -> array[int]:
    values = array(code, bytes.fromhex(packed or ""))
    if sys.byteorder == "little":  # hexadecimal is not
        values.byteswap()
    return values


def cut(joined: bytes | None, lengths: Sequence[int]) -> Sequence[bytes | None]:
    """The pieces of *joined*; a length of -1 stands for NULL."""
    data = joined or b""
    if -1 in lengths:
        pieces = cut(data, [max(length, 0) for length in lengths])
        return [
            None if length < 0 else piece for length, piece in zip(lengths, pieces, strict=True)
        ]
    ends = list(accumulate(lengths))
    return list(map(data.__getitem__, map(slice, [0, *ends], ends)))

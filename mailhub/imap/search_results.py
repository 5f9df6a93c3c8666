"""What SEARCH answers: SEARCH for rev1 (3501 7.2.5), ESEARCH otherwise (9051 7.3.4, RFC 4731).

A result may hold every message of a mailbox, so lines are made in pieces; the caller lets other
work run between them.  PARTIAL and CONTEXT of later RFCs are not here.
"""

from __future__ import annotations

import enum
from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise

NUMBERS_PER_PIECE = 10_000


class Return(enum.Enum):
    """What a client may ask for behind RETURN (9051 6.4.4)."""

    MIN = "MIN"
    MAX = "MAX"
    ALL = "ALL"
    COUNT = "COUNT"
    SAVE = "SAVE"


def search_line(numbers: Sequence[int], modseq: int | None) -> Iterator[bytes]:
    """``* SEARCH 2 84 882``; *modseq* when the client asked by MODSEQ (7162 3.1.6)."""
    yield b"* SEARCH"
    for start in range(0, len(numbers), NUMBERS_PER_PIECE):
        piece = tuple(numbers[start : start + NUMBERS_PER_PIECE])
        yield b" %d" * len(piece) % piece
    if modseq is not None and numbers:
        yield b" (MODSEQ %d)" % modseq
    yield b"\r\n"


def esearch_line(
    tag: bytes,
    numbers: Sequence[int],
    returns: frozenset[Return],
    *,
    uid: bool,
    modseq: int | None,
) -> Iterator[bytes]:
    """``* ESEARCH (TAG "a") UID MIN 7 COUNT 3``.  *tag* consists of tag characters only."""
    yield b'* ESEARCH (TAG "%b")' % tag + (b" UID" if uid else b"")
    if numbers and Return.MIN in returns:
        yield b" MIN %d" % numbers[0]
    if numbers and Return.MAX in returns:
        yield b" MAX %d" % numbers[-1]
    if numbers and Return.ALL in returns:
        yield b" ALL "
        yield from ranges(numbers)
    if Return.COUNT in returns:
        yield b" COUNT %d" % len(numbers)
    if numbers and modseq is not None:
        yield b" MODSEQ %d" % modseq
    yield b"\r\n"


def saved(numbers: array[int], returns: frozenset[Return]) -> array[int]:
    """What ``$`` becomes: 9051 6.4.4.1, table 4."""
    if not numbers or returns & {Return.ALL, Return.COUNT} or returns == {Return.SAVE}:
        return numbers
    ends = {
        n for n, asked in ((numbers[0], Return.MIN), (numbers[-1], Return.MAX)) if asked in returns
    }
    return array("I", sorted(ends))


def ranges(numbers: Sequence[int]) -> Iterator[bytes]:
    """Ascending *numbers* as a sequence-set, in pieces."""
    low = numbers[0]
    if numbers[-1] - low == len(numbers) - 1:
        yield _range(low, numbers[-1])
        return
    for start in range(0, len(numbers), NUMBERS_PER_PIECE):
        # One number more than the piece, so that a range may run across its end.
        piece = numbers[start : start + NUMBERS_PER_PIECE + 1]
        texts = []
        for n, following in pairwise(piece):
            if following != n + 1:
                texts.append(_range(low, n) + b",")
                low = following
        yield b"".join(texts)
    yield _range(low, numbers[-1])


def _range(low: int, high: int) -> bytes:
    return b"%d" % low if low == high else b"%d:%d" % (low, high)

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.imap import search_results
from mailhub.imap.search_results import Return, esearch_line, ranges, saved, search_line
from mailhub.model.numbers import NumberSet

MIN, MAX, ALL, COUNT, SAVE = Return.MIN, Return.MAX, Return.ALL, Return.COUNT, Return.SAVE
SOME = array("I", [2, 10, 11, 15])
NONE = array("I")


def search(numbers: array[int], modseq: int | None = None) -> bytes:
    return b"".join(search_line(numbers, modseq))


def esearch(numbers: array[int], *returns: Return, modseq: int | None = None) -> bytes:
    asked = frozenset(returns)
    return b"".join(esearch_line(b"a", numbers, asked, uid=False, modseq=modseq))


def test_search_of_nothing_is_still_answered() -> None:  # 3501 7.2.5
    assert search(NONE) == b"* SEARCH\r\n"
    assert search(NONE, modseq=5) == b"* SEARCH\r\n"


def test_search_lists_every_number_and_the_modseq_last() -> None:  # 7162 3.1.6
    assert search(SOME) == b"* SEARCH 2 10 11 15\r\n"
    assert search(SOME, modseq=917162500) == b"* SEARCH 2 10 11 15 (MODSEQ 917162500)\r\n"


@pytest.mark.parametrize(
    ("returns", "answer"),
    [
        ((ALL,), b"ALL 2,10:11,15"),
        ((MIN,), b"MIN 2"),
        ((MAX,), b"MAX 15"),
        ((COUNT,), b"COUNT 4"),
        ((COUNT, ALL, MAX, MIN), b"MIN 2 MAX 15 ALL 2,10:11,15 COUNT 4"),
        ((SAVE, MIN), b"MIN 2"),
    ],
)
def test_esearch_answers_what_was_asked(returns: tuple[Return, ...], answer: bytes) -> None:
    assert esearch(SOME, *returns) == b'* ESEARCH (TAG "a") %b\r\n' % answer


def test_esearch_of_nothing_has_only_a_count() -> None:  # 9051 6.4.4
    assert esearch(NONE, MIN, MAX, ALL, modseq=3) == b'* ESEARCH (TAG "a")\r\n'
    assert esearch(NONE, MIN, MAX, ALL, COUNT) == b'* ESEARCH (TAG "a") COUNT 0\r\n'


def test_esearch_says_that_it_speaks_of_uids_and_tells_the_modseq() -> None:
    pieces = esearch_line(b"A1", SOME, frozenset((ALL,)), uid=True, modseq=1236)

    assert b"".join(pieces) == b'* ESEARCH (TAG "A1") UID ALL 2,10:11,15 MODSEQ 1236\r\n'


@pytest.mark.parametrize(
    ("returns", "kept"),
    [
        ((SAVE,), [2, 10, 11, 15]),
        ((SAVE, MIN), [2]),
        ((SAVE, MAX), [15]),
        ((SAVE, MIN, MAX), [2, 15]),
        ((SAVE, ALL), [2, 10, 11, 15]),
        ((SAVE, COUNT), [2, 10, 11, 15]),
        ((SAVE, MIN, COUNT), [2, 10, 11, 15]),
        ((SAVE, MAX, MIN, ALL), [2, 10, 11, 15]),
    ],
)
def test_what_save_keeps(returns: tuple[Return, ...], kept: list[int]) -> None:  # 9051 6.4.4.1
    assert list(saved(SOME, frozenset(returns))) == kept
    assert list(saved(NONE, frozenset(returns))) == []


def test_min_and_max_of_one_message_save_it_once() -> None:
    assert list(saved(array("I", [7]), frozenset((SAVE, MIN, MAX)))) == [7]


@given(st.sets(st.integers(1, 60), min_size=1), st.integers(1, 10))
def test_ranges_are_the_sequence_set_wherever_pieces_end(numbers: set[int], piece: int) -> None:
    ascending = sorted(numbers)
    before = search_results.NUMBERS_PER_PIECE
    search_results.NUMBERS_PER_PIECE = piece
    try:
        text = b"".join(ranges(ascending)).decode()
    finally:
        search_results.NUMBERS_PER_PIECE = before

    assert text == str(NumberSet.of_sorted(ascending))

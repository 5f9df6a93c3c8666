"""Sequence sets as written, RFC 9051 9."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.imap.wire.sequence import SAVED, SequenceSet, parse_sequence_set
from mailhub.model.numbers import NumberSet


@pytest.mark.parametrize(
    "text",
    ["", "0", "1:0", "01", "1,", ",1", "1,,2", "1:2:3", "1:", ":1", "x", "-1", "1 2", "*:x"]
    + ["4294967296", "99999999999", "$,1", "1,$", "1:$", "1\n"],
)
def test_what_is_no_set_is_refused(text: str) -> None:
    with pytest.raises(SyntaxRefused):
        parse_sequence_set(text.encode())


@pytest.mark.parametrize(
    ("text", "largest", "numbers"),
    [
        ("1", 10, "1"),
        ("2,4:7,9,12:*", 15, "2,4:7,9,12:15"),
        ("*:4,5:7", 10, "4:10"),
        ("4:2", 10, "2:4"),
        ("*", 3, "3"),
        ("500:*", 3, "3:500"),
        ("3291:*", 3290, "3290:3291"),
        ("*:*", 7, "7"),
        ("1,1,1:2,2", 9, "1:2"),
        ("4294967295", 9, "4294967295"),
    ],
)
def test_a_set_is_resolved_against_the_largest_number(
    text: str, largest: int, numbers: str
) -> None:
    assert str(parse_sequence_set(text.encode()).resolve(largest)) == numbers


def test_the_saved_result_is_a_set_of_its_own() -> None:
    assert parse_sequence_set(b"$") is SAVED


def test_a_set_of_twenty_kilobytes_is_nothing_special() -> None:
    numbers = list(range(1, 8000, 2))

    found = parse_sequence_set(",".join(map(str, numbers)).encode())

    assert list(found.resolve(1)) == numbers


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300)), min_size=1))
def test_a_written_set_means_the_numbers_between_its_ends(pairs: list[tuple[int, int]]) -> None:
    text = ",".join(f"{a}:{b}" for a, b in pairs)
    numbers = {n for a, b in pairs for n in range(min(a, b), max(a, b) + 1)}

    assert parse_sequence_set(text.encode()).resolve(1) == NumberSet.of(*numbers)


@given(st.text("0123456789:*,$", max_size=12))
def test_anything_is_a_set_or_refused(text: str) -> None:
    try:
        found = parse_sequence_set(text.encode())
    except SyntaxRefused:
        return
    assert isinstance(found, SequenceSet)

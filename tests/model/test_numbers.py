from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.model.numbers import EVERYTHING, MAX_UID, NumberSet

members = st.sets(st.integers(1, 60), max_size=40)
range_lists = st.lists(st.tuples(st.integers(1, 80), st.integers(1, 80)), max_size=12)


@given(range_lists)
def test_ranges_in_any_order_cover_what_they_name(ranges: list[tuple[int, int]]) -> None:
    expected = {n for a, b in ranges for n in range(min(a, b), max(a, b) + 1)}
    covered = NumberSet.of_ranges(ranges)

    assert set(covered) == expected
    assert len(covered) == len(expected)
    gaps = [low - high for (_, high), (low, _) in pairwise(covered.ranges)]
    assert all(gap > 1 for gap in gaps), "ranges are disjoint, ascending and not adjacent"


@given(members, members)
def test_set_algebra_agrees_with_python_sets(a: set[int], b: set[int]) -> None:
    x, y = NumberSet.of(*a), NumberSet.of(*b)

    assert set(x | y) == a | b
    assert set(x & y) == a & b
    assert set(x - y) == a - b
    assert (x - y) == NumberSet.of(*(a - b)), "results are in normal form"


@given(members)
def test_text_form_names_exactly_the_members(a: set[int]) -> None:
    text = str(NumberSet.of(*a))
    named: set[int] = set()
    for item in filter(None, text.split(",")):
        low, _, high = item.partition(":")
        named.update(range(int(low), int(high or low) + 1))

    assert named == a


@given(members, members)
def test_select_picks_the_members_out_of_an_ascending_array(a: set[int], b: set[int]) -> None:
    assert list(NumberSet.of(*a).select(sorted(b))) == sorted(a & b)


@given(members, st.integers(-3, 90))
def test_membership(a: set[int], n: int) -> None:
    assert (n in NumberSet.of(*a)) == (n in a)


def test_the_empty_set() -> None:
    empty = NumberSet()

    assert not empty
    assert str(empty) == ""
    assert 1 not in empty
    with pytest.raises(IndexError):
        _ = empty.lowest


def test_everything_holds_every_uid() -> None:
    assert 1 in EVERYTHING
    assert MAX_UID in EVERYTHING
    assert 0 not in EVERYTHING

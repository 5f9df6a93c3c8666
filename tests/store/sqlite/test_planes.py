"""Columns of numbers, compared with looking at each number."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from mailhub.store.sqlite.planes import Numbers, octets_of

edges = st.sampled_from([0, 1, 255, 256, 257, 65_535, 65_536, 2**63, 2**64 - 1])
numbers = st.lists(edges | st.integers(0, 2**64 - 1) | st.integers(0, 600), max_size=20)


@given(values=numbers, least=edges | st.integers(-5, 600), mask=st.integers(0, 2**63 - 1))
def test_planes_say_what_looking_at_each_number_says(
    values: list[int], least: int, mask: int
) -> None:
    column = Numbers(array("Q", values[:7])).extended(array("Q", values[7:]))

    def shown(plane: int) -> list[int]:
        return list(octets_of(plane, len(values)))

    assert list(column.values()) == values
    assert shown(column.at_least(least)) == [value >= least for value in values]
    assert shown(column.with_bits(mask)) == [value & mask != 0 for value in values]


@given(values=numbers, data=st.data())
def test_some_numbers_are_replaced_or_left_out(values: list[int], data: st.DataObject) -> None:
    column = Numbers(array("Q", values))
    changes = data.draw(st.dictionaries(st.integers(0, 25), st.integers(0, 2**64 - 1)))
    wanted = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))

    changed = [changes.get(at, value) for at, value in enumerate(values)]
    kept = [value for value, stays in zip(values, wanted, strict=True) if stays]
    assert list(column.replaced(changes).values()) == changed
    assert list(column.kept(bytes(wanted)).values()) == kept
    assert list(column.values()) == values

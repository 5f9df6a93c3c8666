"""Sequence numbers and UIDs as a client has been told of them."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.imap.view import View
from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.imap.wire.sequence import parse_sequence_set
from mailhub.model.numbers import NumberSet

UIDS = st.lists(st.integers(1, 200), unique=True, max_size=30).map(sorted)


@pytest.mark.parametrize(
    ("uids", "wanted"), [([], "1"), ([], "1:2"), ([5], "2"), ([5], "1:2"), ([5, 6], "3:*")]
)
def test_a_number_that_no_message_has_is_refused(uids: list[int], wanted: str) -> None:
    with pytest.raises(SyntaxRefused):
        View(uids).by_number(parse_sequence_set(wanted.encode()))


@pytest.mark.parametrize(
    ("uids", "wanted", "found"),
    [
        ([], "1:*", ""),
        ([], "*", ""),
        ([7], "*", "7"),
        ([7, 9], "1:*", "7:9"),
        ([3, 5, 8, 9], "2:3", "5:8"),
        ([3, 5, 8, 9], "1,4", "3,9"),
        ([3, 5, 8, 9], "*:3", "8:9"),
    ],
)
def test_numbers_mean_uids(uids: list[int], wanted: str, found: str) -> None:
    assert str(View(uids).by_number(parse_sequence_set(wanted.encode()))) == found


@pytest.mark.parametrize(
    ("uids", "wanted", "found"),
    [
        ([], "1:*", ""),
        ([7, 9], "8:*", "8:9"),
        ([7, 9], "100:*", "9"),
        ([7, 9], "100", ""),
        ([7, 9], "9:1", "1:9"),
        ([7, 9], "7,8,200:300", "7:8"),
    ],
)
def test_uids_never_go_beyond_what_the_client_knows(
    uids: list[int], wanted: str, found: str
) -> None:
    assert str(View(uids).by_uid(parse_sequence_set(wanted.encode()))) == found


@pytest.mark.parametrize(
    ("uids", "gone", "told"),
    [
        ([], "5", []),
        ([1, 2, 3], "", []),
        ([1, 2, 3], "2", [2]),
        ([1, 2, 3], "1:3", [1, 1, 1]),
        ([11, 12, 13, 14, 15, 16, 17, 18], "13:14,16,18", [3, 3, 4, 5]),
        ([10, 20, 30], "1:15,25:99", [1, 2]),
    ],
)
def test_expunged_messages_are_told_by_the_number_they_have_then(
    uids: list[int], gone: str, told: list[int]
) -> None:
    removed = parse_sequence_set(gone.encode()).resolve(1) if gone else NumberSet()

    assert View(uids).remove(removed) == told


@given(UIDS, UIDS)
def test_a_client_that_obeys_the_expunges_has_the_same_messages(
    uids: list[int], gone: list[int]
) -> None:
    view, client = View(uids), list(uids)

    for number in view.remove(NumberSet.of(*gone)):
        del client[number - 1]

    assert client == list(view.uids) == [uid for uid in uids if uid not in gone]


@given(UIDS, UIDS)
def test_numbers_of_many_are_the_numbers_of_each(uids: list[int], asked: list[int]) -> None:
    view = View(uids)

    for form in (asked, array("I", asked)):
        assert list(view.numbers(form)) == [view.seq(uid) for uid in asked]
    assert [view.seq(uid) for uid in uids] == list(range(1, len(uids) + 1))


@given(UIDS, st.integers(0, 30), st.integers(0, 30))
def test_a_stretch_of_the_view_costs_no_number_objects(uids: list[int], a: int, b: int) -> None:
    view = View(uids)
    stretch = view.uids[a:b]

    assert isinstance(view.numbers(stretch), range) or not stretch


def test_arrived_messages_get_the_next_numbers() -> None:
    view = View([3, 4])
    view.add([9, 10])

    assert (view.seq(9), view.seq(10), len(view)) == (3, 4, 4)


def test_a_message_costs_four_octets() -> None:
    view = View(range(1, 100_001))

    assert view.uids.itemsize * len(view.uids) == 400_000

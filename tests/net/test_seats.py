"""Seats: who holds a connection, over several processes."""

from __future__ import annotations

from collections import Counter
from mmap import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.net import seats as module
from mailhub.net.seats import REGION_OCTETS, SEATS, Seats, empty, packed, shown, taken


def shared(processes: int) -> tuple[list[Seats], list[memoryview]]:
    regions = [memoryview(mmap(-1, REGION_OCTETS)) for _ in range(processes)]
    return [Seats(regions, mine, b"secret") for mine in range(processes)], regions


def test_connections_of_all_processes_are_counted() -> None:
    (one, other), _ = shared(2)
    for seats in (one, other, other):
        seats.take("192.0.2.1")
    one.take("192.0.2.2")

    assert one.taken() == other.taken() == 4
    assert one.of_address("192.0.2.1") == other.of_address("192.0.2.1") == 3
    assert other.of_address("192.0.2.3") == 0


def test_an_account_s_connections_are_known_with_their_addresses() -> None:
    (one, other), _ = shared(2)
    for seats, address in ((one, "192.0.2.1"), (other, "2001:db8::1"), (other, "")):
        seat = seats.take(address)
        assert seat is not None
        seats.rename(seat, "alice")

    assert Counter(one.of_account("alice")) == Counter(["192.0.2.1", "2001:db8::1", ""])
    assert one.of_account("bob") == []


def test_a_seat_that_was_left_is_nobody_s_and_taken_again() -> None:
    seats = Seats()
    first, second = seats.take("192.0.2.1"), seats.take("192.0.2.1")
    assert first is not None
    assert second is not None
    seats.rename(first, "alice")
    seats.leave(first)

    assert seats.taken() == seats.of_address("192.0.2.1") == 1
    assert seats.of_account("alice") == []
    assert seats.take("192.0.2.9") == first


def test_a_process_that_is_gone_holds_nothing() -> None:
    (one, other), regions = shared(2)
    for seats in (one, other):
        seat = seats.take("192.0.2.1")
        assert seat is not None
        seats.rename(seat, "alice")
    empty(regions[1])

    assert (taken(regions[0]), taken(regions[1])) == (1, 0)
    assert one.of_account("alice") == ["192.0.2.1"]
    heir = Seats(regions, 1, b"secret")
    assert heir.take("192.0.2.1") == 0


def test_there_is_an_end_to_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEATS", 3)
    seats = Seats()
    assert [seats.take("") for _ in range(4)] == [0, 1, 2, None]
    assert SEATS > 10_000


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "", "::ffff:192.0.2.1"])
def test_addresses_survive_being_packed(address: str) -> None:
    assert len(packed(address)) == 16
    assert shown(packed(address)) == address.removeprefix("::ffff:")


def test_the_interface_of_a_link_local_address_does_not_count() -> None:
    assert packed("fe80::1%eth0") == packed("fe80::1")


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3)), max_size=60))
def test_counts_are_those_of_whoever_sits(steps: list[tuple[bool, int, int]]) -> None:
    """Neighbours' octets together never look like somebody else."""
    seats, sitting = Seats(secret=b"x"), list[tuple[int, str, str]]()
    for comes, address_number, account_number in steps:
        address, account = f"192.0.2.{address_number}", f"account{account_number}"
        if comes or not sitting:
            seat = seats.take(address)
            assert seat is not None
            seats.rename(seat, account)
            sitting.append((seat, address, account))
        else:
            seats.leave(sitting.pop(address_number % len(sitting))[0])
        assert seats.of_address(address) == sum(a == address for _, a, _ in sitting)
        assert len(seats.of_account(account)) == sum(a == account for _, _, a in sitting)
        assert seats.taken() == len(sitting)

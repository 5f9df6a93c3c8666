"""The throttle itself: windows, networks, memory, attempts at the same time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from mailhub.auth.throttle import Throttle, network_of
from mailhub.interfaces import TooManyAttempts
from mailhub.net.notes import Notes
from mailhub.net.shared import Kind, Shared, own_notes

HERE, THERE = "192.0.2.1", "192.0.2.2"


def make(attempts: int = 3) -> tuple[Throttle, Clock]:
    clock = Clock()
    return Throttle(clock.seconds, attempts, 600.0), clock


def guess(throttle: Throttle, count: int, address: str = HERE, account: str = "alice") -> None:
    for number in range(count):
        throttle.begin(address, account, b"guess %d" % number)


def test_so_many_different_secrets_and_no_more() -> None:
    throttle, _ = make()
    guess(throttle, 3)
    with pytest.raises(TooManyAttempts):
        throttle.begin(HERE, "alice", b"guess 3")


def test_a_secret_that_was_wrong_before_counts_once() -> None:
    throttle, _ = make()
    for _ in range(100):
        throttle.begin(HERE, "alice", b"old password")
    guess(throttle, 2)
    with pytest.raises(TooManyAttempts):
        throttle.begin(HERE, "alice", b"another")


def test_unknown_secrets_count_each_time() -> None:
    throttle, _ = make()
    for _ in range(3):
        throttle.begin(HERE, "alice", None)
    with pytest.raises(TooManyAttempts):
        throttle.begin(HERE, "alice", None)


@pytest.mark.parametrize("spelling", ["ALICE", " alice", "alice  "])
def test_names_count_however_they_are_spelt(spelling: str) -> None:
    throttle, _ = make()
    guess(throttle, 3, account="Alice")
    with pytest.raises(TooManyAttempts):
        throttle.begin(HERE, spelling, b"x")


def test_attempts_at_the_same_time_find_no_gap() -> None:
    throttle, _ = make()
    running = [throttle.begin(HERE, "alice", b"%d" % n) for n in range(3)]
    with pytest.raises(TooManyAttempts):
        throttle.begin(HERE, "alice", b"another")
    running[0].undecided()
    throttle.begin(HERE, "alice", b"another")


def test_success_starts_afresh() -> None:
    throttle, _ = make()
    guess(throttle, 2)
    throttle.begin(HERE, "alice", b"right").succeeded()
    guess(throttle, 3)
    with pytest.raises(TooManyAttempts):
        throttle.begin(HERE, "alice", b"another")


def test_attempts_are_forgotten_after_the_window() -> None:
    throttle, clock = make()
    guess(throttle, 3)
    clock.advance(599)
    with pytest.raises(TooManyAttempts):
        throttle.begin(HERE, "alice", b"x")
    clock.advance(2)
    throttle.begin(HERE, "alice", b"x")


def test_pairs_do_not_share() -> None:
    throttle, _ = make()
    guess(throttle, 3)
    guess(throttle, 3, address=THERE)
    guess(throttle, 3, account="bob")
    with pytest.raises(TooManyAttempts):
        throttle.begin(THERE, "alice", b"another")


def test_memory_is_bounded_and_the_oldest_attempts_are_forgotten_first() -> None:
    clock = Clock()
    throttle = Throttle(
        clock.seconds, 3, 600.0, Shared(notes={**own_notes(), Kind.ATTEMPTS: Notes(1, 10)})
    )
    guess(throttle, 3)
    for number in range(7):
        clock.advance(1)
        throttle.begin(HERE, f"user{number}", b"x")
    with pytest.raises(TooManyAttempts):
        throttle.begin(HERE, "alice", b"x")
    throttle.begin(HERE, "one more", b"x")
    throttle.begin(HERE, "alice", b"x")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", "unix"),
    ],
)
def test_an_address_stands_for_its_host(address: str, network: str) -> None:
    assert network_of(address) == network


@given(st.text())
def test_any_text_is_an_address(address: str) -> None:
    assert network_of(address)

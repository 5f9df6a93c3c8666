"""Clients that nobody has told of a new password are noted; guessing is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailhub.net.notes import Notes
from mailhub.net.shared import Kind, Shared, own_notes
from mailhub.net.stale import Presenter, StalePasswords
from tests.events import Events

PHONE = Presenter("alice", "192.0.2.1", "imap", "PLAIN")


class Sightings:
    def __init__(self) -> None:
        self.seen_: list[tuple[Presenter, int, float | None]] = []
        self.ended_: list[Presenter] = []

    def seen(self, who: Presenter, times: int, worked: float | None) -> bool:
        self.seen_.append((who, times, worked))
        return len(self.seen_) == 1

    def ended(self, who: Presenter) -> None:
        self.ended_.append(who)


class World:
    def __init__(self, shared: Shared | None = None) -> None:
        self.now = 1000.0
        self.sightings = Sightings()
        self.stale = StalePasswords(self.sightings, lambda: self.now, shared)

    def wrong(self, password: str | None, times: int = 1, who: Presenter = PHONE) -> None:
        for _ in range(times):
            self.stale.wrong(who, None if password is None else password.encode())

    @property
    def times(self) -> list[int]:
        return [times for _, times, _ in self.sightings.seen_]


@pytest.fixture
def world() -> World:
    return World()


def test_a_password_that_worked_before_is_noted_at_once(world: World, events: Events) -> None:
    world.stale.right(PHONE, b"old")
    world.now = 2000.0
    tablet = replace(PHONE, address="192.0.2.2")
    world.wrong("old", 2, tablet)

    assert world.sightings.seen_ == [(tablet, 1, 1000.0), (tablet, 1, 1000.0)]
    assert events["client.stale"]["what"] == "a password that has worked before"
    assert "old" not in events["client.stale"].values()


def test_the_same_wrong_password_is_noted_at_the_third_time_and_counted(world: World) -> None:
    world.wrong("typo", 2)
    assert world.times == []
    world.wrong("typo", 3)
    assert world.times == [3, 1, 1]


def test_guessing_is_not_noted(world: World) -> None:
    for n in range(100):
        world.wrong(f"guess {n}")
        world.wrong(f"guess {n}")
    assert world.times == []


def test_scram_shows_nothing_so_failures_in_a_row_are_taken_for_the_same(world: World) -> None:
    world.wrong(None, 4)
    assert world.times == [3, 1]


def test_a_log_in_ends_it(world: World) -> None:
    world.wrong("typo", 2)
    world.stale.right(PHONE, b"right")
    world.wrong("typo", 2)
    assert world.times == []
    assert world.sightings.ended_ == [PHONE]


def test_passwords_of_different_users_are_different(world: World) -> None:
    world.stale.right(PHONE, b"secret")
    world.wrong("secret", who=replace(PHONE, user="bob"))
    assert world.times == []


def test_memory_is_bounded() -> None:
    small = {Kind.WORKED: Notes(1, 4), Kind.REPEATED: Notes(1, 4)}
    world = World(Shared(notes={**own_notes(), **small}))
    for n in range(5):
        world.stale.right(PHONE, b"%d" % n)
        world.now += 1
    world.wrong("0")
    assert world.times == []
    world.wrong("1")
    assert world.times == [1]


def test_the_workers_of_a_server_watch_together() -> None:
    shared = Shared()
    here, there = World(shared), World(shared)
    here.stale.right(PHONE, b"old")
    there.wrong("old")
    assert there.times == [1]
    for world in (here, there, here):
        world.wrong("mistyped")
    assert here.times == [3]

"""A fair reactor hears everybody in turn, and its timers in between."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.selectreactor import SelectReactor

from mailhub.net.fair import make_fair

COUNT = 40


class Always:
    """Can always be read."""

    def __init__(self, number: int, read: Callable[[int], None]) -> None:
        self.socket, self.other = socket.socketpair()
        self.other.send(b"x")
        self.number = number
        self.read = read

    def fileno(self) -> int:
        return self.socket.fileno()

    def logPrefix(self) -> str:
        return "always"

    def doRead(self) -> None:
        self.read(self.number)


class World:
    """A reactor with ``COUNT`` sockets of which each takes *cost* seconds.

    They can always be read, unless what is in them is taken out, as they are heard, by *once*.
    """

    def __init__(self) -> None:
        self.cost = 0.0
        self.once = False
        self.now = 0.0
        self.heard: list[int] = []
        self.reactor = EPollReactor()
        make_fair(self.reactor, lambda: self.now)
        self.readers = [Always(number, self.read) for number in range(COUNT)]
        for reader in self.readers:
            self.reactor.addReader(reader)

    def read(self, number: int) -> None:
        self.now += self.cost
        self.heard.append(number)
        if self.once:
            self.readers[number].socket.recv(1)

    def turn(self) -> list[int]:
        """Who was heard."""
        self.heard = []
        self.reactor.doIteration(0)
        return self.heard

    def close(self) -> None:
        self.reactor.removeAll()
        for reader in self.readers:
            reader.socket.close()
            reader.other.close()


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def test_sockets_are_heard_for_a_millisecond_in_a_turn_and_all_of_them_in_turn(
    world: World,
) -> None:
    world.cost = 0.0003
    turns = [world.turn() for _ in range(COUNT)]

    assert {len(turn) for turn in turns} == {4}
    everybody = [number for turn in turns for number in turn]
    assert set(everybody[:COUNT]) == set(range(COUNT))


def test_one_that_takes_long_is_the_only_one_of_its_turn(world: World) -> None:
    world.cost = 0.05
    assert [len(world.turn()) for _ in range(4)] == [1, 1, 1, 1]


def test_a_turn_ends_when_nobody_can_be_read(world: World) -> None:
    for reader in world.readers:
        reader.socket.recv(1)
    world.readers[3].other.send(b"x")
    world.once = True
    assert world.turn() == [3]


def test_another_reactor_is_left_as_it_is() -> None:
    reactor = SelectReactor()
    before = dict(vars(reactor))
    make_fair(reactor)
    assert vars(reactor) == before
    reactor.removeAll()

"""Doors: taking connections in, alone and in turns."""

from __future__ import annotations

import errno
import os
import socket
import struct
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.tcp import Server

from mailhub.config.options import Listener
from mailhub.net.doors import A_FEW, SHORT_SECONDS, YIELD_SECONDS, Door
from mailhub.net.listen import Listening, bind
from mailhub.net.turns import SLACK, SharedTurns
from tests.events import Events


class Reactor(Clock):
    """Knows who wants to read; ``taken`` are connections."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[object] = set()
        self.taken = 0

    def addReader(self, reader: object) -> None:
        if isinstance(reader, Server):
            assert not os.get_blocking(reader.fileno())
            self.taken += 1
        else:
            self.readers.add(reader)

    def removeReader(self, reader: object) -> None:
        self.readers.discard(reader)


class Greeting(Factory):
    """Its connections do nothing; *greet* is called before each, with the client's address."""

    def __init__(self, greet: Callable[[IAddress], None] = lambda address: None) -> None:
        self._greet = greet

    def buildProtocol(self, addr: Any) -> Any:
        self._greet(addr)
        return Protocol()


@pytest.fixture
def listening() -> Iterator[Listening]:
    opened = bind(Listener("imap", "127.0.0.1:0"))
    yield opened
    opened.socket.close()


@pytest.fixture
def clients(listening: Listening) -> Iterator[Callable[[int], None]]:
    opened: list[socket.socket] = []

    def connect(number: int) -> None:
        for _ in range(number):
            opened.append(socket.create_connection(("127.0.0.1", listening.tcp_port)))

    yield connect
    for client in opened:
        client.close()


class World:
    """A door for each of some processes that share a socket."""

    def __init__(self, listening: Listening, processes: int) -> None:
        self.words = memoryview(array("Q", [0] * processes))
        self.reactors = [Reactor() for _ in range(processes)]
        self.turns = [SharedTurns(self.words, number) for number in range(processes)]
        self.doors = [
            Door(reactor, listening.socket.dup(), Greeting(), turns)
            for reactor, turns in zip(self.reactors, self.turns, strict=True)
        ]
        for turns in self.turns:
            turns.begin()

    def wake(self, number: int) -> None:
        """The reactor of process *number* sees that a connection waits."""
        if self.doors[number] in self.reactors[number].readers:
            self.doors[number].doRead()

    @property
    def taken(self) -> list[int]:
        return [reactor.taken for reactor in self.reactors]

    def tick(self) -> None:
        for reactor in self.reactors:
            reactor.advance(YIELD_SECONDS)

    def close(self) -> None:
        for door in self.doors:
            door.close()


def test_alone_a_door_takes_all_that_wait(
    listening: Listening, clients: Callable[[int], None]
) -> None:
    reactor = Reactor()
    door = Door(reactor, listening.socket, Greeting())
    clients(5)
    door.doRead()
    assert reactor.taken == 5
    door.close()
    assert reactor.readers == set()


def test_processes_take_turns(listening: Listening, clients: Callable[[int], None]) -> None:
    world = World(listening, 3)
    clients(30)
    while sum(world.taken) < 30:  # the first is quicker and always asked first
        for number in (0, 0, 0, 1, 2) * 5:
            world.wake(number)
        world.tick()
    assert sum(world.taken) == 30
    assert max(world.taken) - min(world.taken) <= A_FEW
    world.close()


def test_who_does_not_come_to_its_turn_is_passed_over(
    listening: Listening, clients: Callable[[int], None]
) -> None:
    world = World(listening, 2)
    clients(20)
    for _ in range(30):  # the second is busy
        world.wake(0)
    assert world.taken == [1 + SLACK, 0]
    rounds = 0
    while world.taken[0] < 20:
        world.reactors[0].advance(YIELD_SECONDS)
        for _ in range(5):
            world.wake(0)
        rounds += 1
    assert rounds <= 20 / A_FEW
    clients(10)
    for _ in range(10):  # and has nothing to make up for
        world.wake(0)
        world.wake(1)
    assert abs(world.taken[0] - 20 - world.taken[1]) <= 2 * (1 + SLACK)
    world.close()


def test_who_is_gone_is_not_waited_for(
    listening: Listening, clients: Callable[[int], None]
) -> None:
    world = World(listening, 2)
    world.turns[1].end()
    clients(9)
    for _ in range(9):
        world.wake(0)
    assert world.taken == [9, 0]
    world.turns[1].begin()
    assert world.words[1] == world.words[0]
    world.close()


def test_clients_that_went_away_again_keep_nobody_out(
    listening: Listening, clients: Callable[[int], None], events: Events
) -> None:
    reactor = Reactor()
    door = Door(reactor, listening.socket, Greeting())
    gone = socket.create_connection(("127.0.0.1", listening.tcp_port))
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.close()
    clients(2)
    door.doRead()
    assert reactor.taken >= 2
    assert events.names() == []
    door.close()


def test_a_connection_that_fails_does_not_close_the_door(
    listening: Listening, clients: Callable[[int], None], events: Events
) -> None:
    greeted: list[IAddress] = []

    def broken(address: IAddress) -> None:
        greeted.append(address)
        if len(greeted) == 1:
            raise ZeroDivisionError

    reactor = Reactor()
    door = Door(reactor, listening.socket, Greeting(broken))
    clients(2)
    door.doRead()
    assert reactor.taken == 1
    assert all(isinstance(each, IPv4Address) and each.host == "127.0.0.1" for each in greeted)
    assert events["error"]["log_failure"].check(ZeroDivisionError)
    door.close()


class Exhausted:
    """A socket of a process that can open no more files."""

    def fileno(self) -> int:
        return 0

    def accept(self) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def close(self) -> None:
        """Nothing is open."""


def test_without_a_free_file_descriptor_connections_wait(events: Events) -> None:
    reactor = Reactor()
    door = Door(reactor, Exhausted(), Factory())  # type: ignore[arg-type]
    door.doRead()
    assert reactor.readers == set()
    assert "Too many open files" in events["server.accept_failed"]["reason"]
    reactor.advance(SHORT_SECONDS)
    assert len(reactor.getDelayedCalls()) == 1
    door.close()
    assert reactor.getDelayedCalls() == []

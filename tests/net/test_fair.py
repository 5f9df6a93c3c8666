"""A fair reactor hears everybody in turn, and its timers in between."""

from __future__ import annotations

import socket

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.selectreactor import SelectReactor

from mailhub.net.fair import AT_ONCE, make_fair

COUNT = 3 * AT_ONCE


class Always:
    """Can always be read."""

    def __init__(self, number: int, heard: list[int]) -> None:
        self.socket, self.other = socket.socketpair()
        self.other.send(b"x")
        self.number = number
        self.heard = heard

    def fileno(self) -> int:
        return self.socket.fileno()

    def logPrefix(self) -> str:
        return "always"

    def doRead(self) -> None:
        self.heard.append(self.number)


def test_few_sockets_are_heard_in_a_turn_and_all_of_them_in_turn() -> None:
    reactor = EPollReactor()
    make_fair(reactor)
    heard: list[int] = []
    readers = [Always(number, heard) for number in range(COUNT)]
    for reader in readers:
        reactor.addReader(reader)
    try:
        turns = []
        for _ in range(6):
            del heard[:]
            reactor.doIteration(0)
            turns.append(list(heard))
    finally:
        reactor.removeAll()
        for reader in readers:
            reader.socket.close()
            reader.other.close()

    assert all(len(turn) <= AT_ONCE for turn in turns)
    everybody = sorted(number for turn in turns for number in turn)
    assert set(everybody) == set(range(COUNT))
    assert max(map(everybody.count, everybody)) <= 2


def test_another_reactor_is_left_as_it_is() -> None:
    reactor = SelectReactor()
    before = dict(vars(reactor))
    make_fair(reactor)
    assert vars(reactor) == before
    reactor.removeAll()

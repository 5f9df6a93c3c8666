"""The doors of a serving process: its listeners.

A reload gives every listener the new factory of its protocol: new connections get the new settings,
open ones keep theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory
from zope.interface import implementer

from mailhub.net.doors import Door, Turns
from mailhub.net.doorway import Doorway, entry_of
from mailhub.net.listen import Listening


@implementer(IProtocolFactory)
class Exchangeable:
    """Builds protocols with whatever factory is current."""

    def __init__(self, factory: IProtocolFactory) -> None:
        self.factory = factory

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        return self.factory.buildProtocol(addr)

    def doStart(self) -> None:
        self.factory.doStart()

    def doStop(self) -> None:
        self.factory.doStop()


class Sockets:
    """Opens and closes doors together."""

    def __init__(
        self, reactor: Any, factories: Mapping[str, IProtocolFactory], turns: Turns | None = None
    ) -> None:
        self._reactor = reactor
        self._current = {name: Exchangeable(factory) for name, factory in factories.items()}
        self._turns = turns
        self._doors: list[Door] = []

    def open(self, listening: Listening) -> None:
        """Take its connections in from now on."""
        listener = listening.listener
        doorway = Doorway(self._current[listener.protocol], entry_of(listener))
        self._doors.append(Door(self._reactor, listening.socket, doorway, self._turns))

    def exchange(self, factories: Mapping[str, IProtocolFactory]) -> None:
        """Serve new connections with *factories*."""
        for name, factory in factories.items():
            self._current[name].factory = factory

    def close(self) -> None:
        """Take no more connections."""
        for door in self._doors:
            door.close()
        self._doors.clear()

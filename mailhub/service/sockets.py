"""The open sockets of a server: its listeners, and the control socket.

A reload gives every listener the new factory of its protocol: new connections get the new settings,
open ones keep theirs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import gatherResults, maybeDeferred
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocol, IProtocolFactory
from twisted.internet.protocol import ServerFactory
from zope.interface import implementer

from mailhub import log
from mailhub.config.addresses import TcpAddress
from mailhub.config.options import Listener
from mailhub.net.listen import listen, make_way

MAX_PATH = 100  # struct sockaddr_un has 108 octets


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


@dataclass(frozen=True, slots=True)
class Listening:
    """A listener with an open port."""

    listener: Listener
    port: IListeningPort

    @property
    def address(self) -> str:
        """As in the configuration, with the port that a 0 became."""
        here = self.port.getHost()
        if not isinstance(here, IPv4Address | IPv6Address):
            return self.listener.address
        return str(TcpAddress(here.host, here.port))

    @property
    def tcp_port(self) -> int | None:
        here = self.port.getHost()
        return here.port if isinstance(here, IPv4Address | IPv6Address) else None


class Sockets:
    """Opens and closes them together."""

    def __init__(self, reactor: Any, factories: Mapping[str, IProtocolFactory]) -> None:
        self._reactor = reactor
        self._current = {name: Exchangeable(factory) for name, factory in factories.items()}
        self._control: IListeningPort | None = None
        self.listening: list[Listening] = []

    async def open(self, listener: Listener) -> None:
        """Raises ListenFailed."""
        port = await listen(self._reactor, listener, self._current[listener.protocol])
        opened = Listening(listener, port)
        self.listening.append(opened)
        log.event(
            "server.listening",
            protocol=listener.protocol,
            address=opened.address,
            tls=listener.tls,
        )

    def open_control(self, path: Path, factory: ServerFactory) -> None:
        """Raises ListenFailed, CannotListenError."""
        make_way(path)
        name = str(path)
        if len(os.fsencode(name)) > MAX_PATH:
            folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            name = f"/proc/self/fd/{folder}/{path.name}"
        self._control = self._reactor.listenUNIX(name, factory, mode=0o600)

    def exchange(self, factories: Mapping[str, IProtocolFactory]) -> None:
        """Serve new connections with *factories*."""
        for name, factory in factories.items():
            self._current[name].factory = factory

    async def close(self) -> None:
        """Take no more connections."""
        ports = [each.port for each in self.listening]
        if self._control is not None:
            ports.append(self._control)
        await gatherResults([maybeDeferred(port.stopListening) for port in ports])
        self.listening.clear()

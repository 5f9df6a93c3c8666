"""From a listener to the rules by which its connections come in."""

from __future__ import annotations

import ipaddress

from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory
from zope.interface import implementer

from mailhub.config.options import Listener
from mailhub.net.connection import Connection
from mailhub.net.link import Entry


def entry_of(listener: Listener) -> Entry:
    """How clients get in through *listener*."""
    networks = tuple(ipaddress.ip_network(network) for network in listener.proxy_from)
    return Entry(listener.tls, networks if listener.proxy else None)


@implementer(IProtocolFactory)
class Doorway:
    """A factory whose connections come in by the rules of one listener."""

    def __init__(self, factory: IProtocolFactory, entry: Entry) -> None:
        self._factory = factory
        self._entry = entry

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        protocol = self._factory.buildProtocol(addr)
        whatever: object = protocol  # the monitor speaks HTTP and is no Connection
        if isinstance(whatever, Connection):
            whatever.entry = self._entry
        return protocol

    def doStart(self) -> None:
        self._factory.doStart()

    def doStop(self) -> None:
        self._factory.doStop()

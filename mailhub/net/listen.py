"""Listening: from a ``[[listener]]`` to an open port, with errors for people.

Left out on purpose: taking over sockets from systemd; a restart is a matter of a second, and
clients reconnect by themselves.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import stat
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint, UNIXServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocol,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from zope.interface import implementer

from mailhub.config.addresses import ANY_HOST, UnixAddress, parse_address
from mailhub.config.options import Listener
from mailhub.net.connection import Connection
from mailhub.net.link import Entry

BACKLOG = 1024
_ANY_IPV4 = "0.0.0.0"  # noqa: S104 - where the administrator wrote "*"


class ListenFailed(Exception):
    """A port that cannot be opened; the text says which, why, and what helps."""


async def listen(reactor: Any, listener: Listener, factory: IProtocolFactory) -> IListeningPort:
    """Serve *factory* where *listener* says.  Raises ListenFailed."""
    opening: Deferred[IListeningPort] = endpoint(reactor, listener).listen(
        Doorway(factory, entry_of(listener))
    )
    try:
        return await opening
    except CannotListenError as problem:
        raise ListenFailed(explain(listener.address, problem.socketError)) from None


def entry_of(listener: Listener) -> Entry:
    """How clients get in through *listener*."""
    networks = tuple(ipaddress.ip_network(network) for network in listener.proxy_from)
    return Entry(listener.tls, networks if listener.proxy else None)


def endpoint(reactor: Any, listener: Listener) -> IStreamServerEndpoint:
    """Raises ListenFailed when a Unix socket's path is taken."""
    address = parse_address(listener.address)
    if isinstance(address, UnixAddress):
        make_way(address.path)
        mode = int(listener.mode, 8)
        return UNIXServerEndpoint(reactor, str(address.path), backlog=BACKLOG, mode=mode)
    host = address.host
    if host == ANY_HOST and not socket.has_dualstack_ipv6():
        host = _ANY_IPV4
    tcp = TCP6ServerEndpoint if ":" in host else TCP4ServerEndpoint
    return tcp(reactor, address.port, backlog=BACKLOG, interface=host)


def make_way(path: Path) -> None:
    """Remove the socket of a server that is gone.  Raises ListenFailed if anybody answers."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as problem:
        raise ListenFailed(explain(f"unix:{path}", problem)) from None
    if not stat.S_ISSOCK(mode):
        raise ListenFailed(f"cannot listen on unix:{path}: there is something else of that name")
    with socket.socket(socket.AF_UNIX) as knocking:
        if knocking.connect_ex(str(path)) == errno.ECONNREFUSED:
            path.unlink(missing_ok=True)


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


def explain(where: str, problem: Exception) -> str:
    reason = getattr(problem, "errno", None)
    if reason == errno.EADDRINUSE:
        return f"address in use: {where}; another program serves there (ss -ltnxp tells which)"
    if reason == errno.EACCES and not where.startswith("unix:"):
        return (
            f"permission denied for {where}: ports below 1024 need CAP_NET_BIND_SERVICE, "
            "which etc/mailhub.service shows how to give"
        )
    if reason == errno.EADDRNOTAVAIL:
        return f"cannot listen on {where}: this machine has no such address"
    text = os.strerror(reason) if reason else str(problem)
    return f"cannot listen on {where}: {text}"

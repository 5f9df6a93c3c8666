"""Doors: where connections come in, by the rules of their listener.

A listening socket may be shared by several processes.  The kernel wakes all of them for a new
connection and the first takes it, which left to itself gives most to whoever is quickest: so they
take turns (:class:`Turns`), one connection at a time, and who is busy is passed over.
"""

from __future__ import annotations

import errno
import socket
from typing import Any, Protocol

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IDelayedCall, IProtocolFactory, IReadDescriptor
from twisted.internet.tcp import Server
from twisted.python.failure import Failure
from zope.interface import implementer

from mailhub import log

AT_ONCE = 16
"""Connections taken before others are served again: about 4 ms of work."""
A_FEW = 4
"""Connections taken when others did not come to their turns."""
YIELD_SECONDS = 0.003
"""How long somebody else may take to come to a connection that it is their turn to take."""
SHORT_SECONDS = 1.0
"""The pause when this process can open no more files."""
_SHORT_OF = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Turns(Protocol):
    """Whose turn it is, of the processes that share a socket."""

    def is_ahead(self) -> bool:
        """Whether somebody else has taken fewer."""

    def took(self) -> None:
        """This process has taken one."""

    def level(self) -> None:
        """Those who have taken fewer are busy: that was no turn of theirs."""


@implementer(IReadDescriptor)
class Door:
    """Takes the connections of one listening socket in; *turns* None: it is nobody else's."""

    def __init__(
        self,
        reactor: Any,
        listening: socket.socket,
        factory: IProtocolFactory,
        turns: Turns | None = None,
    ) -> None:
        self._reactor = reactor
        self._socket = listening
        self._factory = factory
        self._turns = turns
        self._again: IDelayedCall | None = None
        factory.doStart()
        reactor.addReader(self)

    def close(self) -> None:
        """Take no more; the socket is closed for this process."""
        if self._again is not None and self._again.active():
            self._again.cancel()
        self._reactor.removeReader(self)
        self._socket.close()
        self._factory.doStop()

    # --- what the reactor asks ---

    def fileno(self) -> int:
        return self._socket.fileno()

    def logPrefix(self) -> str:
        return "door"

    def connectionLost(self, reason: Failure) -> None:
        """The reactor is stopping; the door is closed by whoever opened it."""

    def doRead(self) -> None:
        if self._turns is None:
            self._take(AT_ONCE)
        elif self._turns.is_ahead():
            self._pause(YIELD_SECONDS)
        else:
            self._take(1)

    # --- taking ---

    def _pause(self, seconds: float) -> None:
        self._reactor.removeReader(self)
        self._again = self._reactor.callLater(seconds, self._resume)

    def _resume(self) -> None:
        self._again = None
        self._reactor.addReader(self)
        if self._take(AT_ONCE if self._turns is None else A_FEW) and self._turns is not None:
            self._turns.level()

    def _take(self, most: int) -> int:
        """How many have come in."""
        for taken in range(most):
            try:
                client, peer = self._socket.accept()
            except BlockingIOError:
                return taken
            except OSError as problem:
                if problem.errno not in _SHORT_OF:
                    continue  # the client has gone already, or a firewall is against it
                log.event("server.accept_failed", level="error", reason=problem.strerror)
                self._pause(SHORT_SECONDS)
                return taken
            if self._turns is not None:
                self._turns.took()
            self._enter(client, peer)
        return most

    def _enter(self, client: socket.socket, peer: Any) -> None:
        client.setblocking(False)
        try:
            if client.family == socket.AF_UNIX:
                with client:  # the reactor makes a descriptor of its own
                    family = client.family
                    self._reactor.adoptStreamConnection(client.fileno(), family, self._factory)
            else:
                self._connect(client, peer)
        except Exception as problem:  # one connection's fault must not close the door
            client.close()
            if getattr(problem, "errno", None) != errno.ENOTCONN:  # it has gone already
                log.failure("error", Failure(), what="a connection could not be taken in")

    def _connect(self, client: socket.socket, peer: tuple[Any, ...]) -> None:
        """As Twisted's port does it, without asking for what ``accept`` has told."""
        kind = IPv6Address if client.family == socket.AF_INET6 else IPv4Address
        protocol = self._factory.buildProtocol(kind("TCP", *peer))
        if protocol is None:
            client.close()
            return
        port: Any = None  # only shown by repr
        transport = Server(client, protocol, peer, port, peer[1], self._reactor)
        transport.repstr = f"<{type(protocol).__name__} {peer[1]}>"
        protocol.makeConnection(transport)

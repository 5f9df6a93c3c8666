"""A host with a clock, a protocol that writes down what happens to it, and a TLS client."""

from __future__ import annotations

import functools
import typing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from OpenSSL import SSL
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from mailhub.config.options import Limits, TlsConfig
from mailhub.net.connection import Connection
from mailhub.net.host import Host
from mailhub.net.link import Entry
from mailhub.net.selfsigned import ensure_certificate
from mailhub.net.tls import TlsContexts
from tests.net.certificates import Issued


@functools.cache
def contexts() -> TlsContexts:
    """Of a certificate that all tests of a process share."""
    with TemporaryDirectory() as folder:
        return TlsContexts(TlsConfig((ensure_certificate(Path(folder)),)))


class Socket(StringTransport):
    """A socket that keeps what is written."""

    producer: Any = None
    disconnecting: bool
    disconnected: bool
    dataBuffer = b""  # noqa: N815 - where Twisted's TCP transports keep what is unsent

    def __init__(self, address: str) -> None:
        StringTransport.__init__(self, peerAddress=IPv4Address("TCP", address, 4711))

    def value(self) -> bytes:
        return bytes(StringTransport.value(self))

    def clear(self) -> None:
        StringTransport.clear(self)


class Story(Connection):
    """Writes down what its hooks are called with."""

    def __init__(self, host: Host, name: str = "test") -> None:
        super().__init__(host, name)
        self.story: list[object] = []

    def greet(self) -> None:
        self.story.append("greeted")
        self.write(b"hello\r\n")

    def received(self, data: bytes) -> None:
        self.story.append(data)

    def disconnected(self, reason: Failure) -> None:
        self.story.append("disconnected")

    def timed_out(self) -> None:
        self.write(b"too slow\r\n")

    def refused(self, reason: str) -> None:
        self.write(reason.encode() + b"\r\n")

    def ended(self, reason: str) -> None:
        self.write(reason.encode() + b"\r\n")

    def crashed(self) -> None:
        self.write(b"sorry\r\n")


class World:
    def __init__(self, *, tls: bool | TlsContexts = False, **limits: float) -> None:
        self.clock = Clock()
        self.host = Host(
            self.clock,
            hostname="mail.example.org",
            limits=Limits(**limits),  # type: ignore[arg-type]
            tls=contexts() if tls is True else tls or None,
        )

    def connect(
        self, entry: Entry | None = None, address: str = "192.0.2.1", kind: type[Story] = Story
    ) -> tuple[Story, Socket]:
        story = kind(self.host)
        if entry is not None:
            story.entry = entry
        transport = Socket(address)
        Protocol.makeConnection(story, transport)
        return story, transport

    def vanish(self, story: Story) -> None:
        story.connectionLost(Failure(ConnectionDone()))


class Receiver(typing.Protocol):
    def dataReceived(self, data: bytes) -> None: ...


class TlsClient:
    """The client's side of TLS over a Socket."""

    def __init__(
        self,
        server: Receiver,
        transport: Socket,
        *,
        server_name: str = "",
        highest: int = SSL.TLS1_3_VERSION,
        shown: Issued | None = None,
    ) -> None:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        if shown is not None:
            shown.show(context)
        context.set_max_proto_version(highest)
        self._server = server
        self._transport = transport
        self.connection = SSL.Connection(context, None)
        if server_name:
            self.connection.set_tlsext_host_name(server_name.encode())
        self.connection.set_connect_state()
        self._shake()

    def send(self, data: bytes) -> None:
        self.connection.send(data)
        self._to_server()

    def read(self) -> bytes:
        self._from_server()
        pieces = []
        while True:
            try:
                pieces.append(self.connection.recv(65536))
            except (SSL.WantReadError, SSL.ZeroReturnError):
                return b"".join(pieces)

    def _shake(self) -> None:
        for _ in range(4):
            try:
                self.connection.do_handshake()
            except SSL.WantReadError:
                self._to_server()
                self._from_server()
            else:
                self._to_server()
                return

    def _to_server(self) -> None:
        try:
            self._server.dataReceived(self.connection.bio_read(65536))
        except SSL.WantReadError:
            return

    def _from_server(self) -> None:
        data = self._transport.value()
        self._transport.clear()
        if data:
            self.connection.bio_write(data)

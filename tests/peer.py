"""The other end of a connection whose protocol is under test, without a reactor."""

from __future__ import annotations

from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from mailhub.net.connection import Connection
from tests.net.world import Socket, TlsClient


class Peer:
    """What a client sees: bytes go in, lines come out."""

    def __init__(self, protocol: Connection) -> None:
        self.protocol = protocol
        self.transport = Socket("192.168.1.1")
        Protocol.makeConnection(protocol, self.transport)

    def send(self, data: bytes | str) -> list[str]:
        """Send *data* as it is; the lines that come back at once."""
        self.push(data)
        return self.lines()

    def push(self, data: bytes | str) -> None:
        """Send *data* and leave the answers for later."""
        self.protocol.dataReceived(data.encode() if isinstance(data, str) else data)

    def say(self, *commands: str) -> list[str]:
        """Send command lines in one piece."""
        return self.send("".join(f"{command}\r\n" for command in commands))

    def octets(self) -> bytes:
        """Everything that has come since the last look."""
        data: bytes = self.transport.value()
        self.transport.clear()
        return data

    def lines(self) -> list[str]:
        """The same as lines, which must be whole."""
        data = self.octets()
        assert not data or data.endswith(b"\r\n"), data
        return data.decode("utf-8").split("\r\n")[:-1]

    @property
    def closed(self) -> bool:
        """Whether the server has closed the connection."""
        return bool(self.transport.disconnecting)

    def start_tls(self) -> TlsClient:
        """The handshake, and who speaks from then on."""
        return TlsClient(self.protocol, self.transport)

    def vanish(self) -> None:
        """The network goes away."""
        self.protocol.connectionLost(Failure(ConnectionDone()))

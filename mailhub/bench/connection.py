"""One connection of a client: bytes out, bytes in, and the search for the end of a reply.

Replies are neither kept nor split into lines unless a script asks for it: a FETCH of 100,000
messages is counted chunk by chunk.  What counts is what the protocol says, before TLS.
"""

from __future__ import annotations

import functools
import os
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any

from mailhub.bench.steps import READ, WRITE, NothingCame, ReadBy, ServerFailed, Steps, Wait
from mailhub.bench.target import Endpoint, Target, tls_context

CHUNK = 1 << 18
_SHOWN = 120


@dataclass(slots=True)
class Counts:
    """What all connections of one process have moved."""

    sent: int = 0
    received: int = 0
    round_trips: int = 0


@functools.lru_cache(maxsize=64)
def resolved(host: str, port: int) -> tuple[int, Any]:
    """Family and address; asked for once, because the resolver is not what is measured."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise ServerFailed(f"{host}: {error.strerror}") from error
    return found[0], found[4]


class Connection:
    """A connection that can be opened again after it was closed."""

    def __init__(self, target: Target, endpoint: Endpoint, counts: Counts) -> None:
        self.target = target
        self.endpoint = endpoint
        self.counts = counts
        self.generation = 0  # tells the loop that the socket is another one
        self.asked = b""
        self.deadline: float | None = None
        """Waiting for octets ends then, with NothingCame."""
        self._socket: socket.socket | None = None
        self._encrypted = False
        # Begins with the line feed that ended the line before, so that "\n" finds a line's start.
        self._rest = b"\n"

    def fileno(self) -> int:
        return self.live.fileno()

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    @property
    def live(self) -> socket.socket:
        if self._socket is None:
            raise ServerFailed(f"{self}: not connected")
        return self._socket

    def __str__(self) -> str:
        return f"{self.endpoint.protocol} {self.endpoint.host}:{self.endpoint.port}"

    def open(self) -> Steps[None]:
        """Connect, and begin TLS if it comes at once."""
        family, address = resolved(self.endpoint.host, self.endpoint.port)
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.generation += 1
        self.asked = b"(connect)"
        self._rest = b"\n"
        self._encrypted = False
        self.counts.round_trips += 1
        self._socket.connect_ex(address)
        yield WRITE
        if code := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise ServerFailed(f"{self}: {os.strerror(code)}")
        if self.endpoint.tls == "implicit":
            yield from self.encrypt()

    def encrypt(self) -> Steps[None]:
        """TLS from here on."""
        context = tls_context(self.target.ca, self.target.insecure)
        secured = context.wrap_socket(
            self.live, server_hostname=self.endpoint.host, do_handshake_on_connect=False
        )
        self._socket = secured
        self._encrypted = True
        self.asked = b"(TLS)"
        self.counts.round_trips += 1
        while True:
            try:
                secured.do_handshake()
            except ssl.SSLWantReadError:
                yield READ
            except ssl.SSLWantWriteError:
                yield WRITE
            except (ssl.SSLError, OSError) as error:
                raise ServerFailed(f"{self}: no TLS: {error}") from error
            else:
                return

    def send(self, data: bytes) -> Steps[None]:
        self.counts.sent += len(data)
        self.counts.round_trips += 1
        view = memoryview(data)
        while view:
            try:
                view = view[self.live.send(view) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                yield WRITE
            except ssl.SSLWantReadError:
                yield READ
            except OSError as error:
                raise ServerFailed(f"{self}: {error} after {self._last()}") from error

    def receive(self) -> Steps[bytes]:
        """The next octets, at least one."""
        wait: Wait = READ if self.deadline is None else ReadBy(self.deadline)
        if not self._encrypted:
            yield wait  # with TLS, the octets may be here already
        while True:
            try:
                data = self.live.recv(CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError):
                if self.deadline is not None and time.monotonic() >= self.deadline:
                    raise NothingCame(f"{self}: nothing after {self._last()}") from None
                yield wait
                continue
            except OSError as error:
                raise ServerFailed(f"{self}: {error} after {self._last()}") from error
            if not data:
                raise ServerFailed(f"{self}: the server closed after {self._last()}")
            self.counts.received += len(data)
            return data

    def until(self, needle: bytes) -> Steps[bytes]:
        """Skip to the line that *needle*, which begins with a line feed, finds; that line."""
        data = self._rest
        while True:
            at = data.find(needle)
            if at < 0:
                data = data[-len(needle) :]
            else:
                end = data.find(b"\n", at + len(needle))
                if end >= 0:
                    self._rest = data[end:]
                    return data[at + 1 : end].rstrip(b"\r")
                data = data[at:]
            data += yield from self.receive()

    def kept_until(self, needle: bytes) -> Steps[bytes]:
        """As until, but everything before that line as well.  For replies known to be short."""
        data = self._rest
        while True:
            at = data.find(needle)
            end = data.find(b"\n", at + len(needle)) if at >= 0 else -1
            if end >= 0:
                self._rest = data[end:]
                return data[1:end].rstrip(b"\r")
            data += yield from self.receive()

    def line(self) -> Steps[bytes]:
        return (yield from self.until(b"\n"))

    def finish(self) -> Steps[None]:
        """Wait until the server has closed: who closes first keeps the port busy for a minute."""
        while True:
            try:
                yield from self.receive()
            except ServerFailed:
                self.close()
                return

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def failed(self, what: str, reply: bytes) -> ServerFailed:
        return ServerFailed(f"{self}: {what}: {reply[:_SHOWN].decode('utf-8', 'replace')}")

    def _last(self) -> str:
        return self.asked[:_SHOWN].decode("utf-8", "replace").split("\r\n")[0]

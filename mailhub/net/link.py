"""The lower half of a connection: socket options, PROXY header, limits, TLS, and closing.

A :class:`Link` stands between Twisted's transport and the connection above.  It lets the client
in (PROXY header, admission, implicit TLS, in this order), later starts TLS on request, and
closes so that the last words arrive.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, Protocol

from twisted.internet.interfaces import IDelayedCall, ISSLTransport, ITCPTransport
from twisted.python.failure import Failure

from mailhub import log
from mailhub.model.mail import Client
from mailhub.net.host import Host
from mailhub.net.proxy import BadHeader, HeaderParser, Proxied
from mailhub.net.secured import Secured
from mailhub.net.transports import close_output, unsent

LINGER_SECONDS = 10.0
"""How long a closing connection may take none of what is left, or keep its own end open."""
REMEMBERED_ADDRESSES = 1024
TLS_HELLO = b"\x16\x03"
"""How a TLS record with a handshake begins, and nothing that our protocols know."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Entry:
    """How a listener lets clients in.  ``proxy_from`` None: no PROXY header is expected."""

    tls: Literal["none", "starttls", "implicit"] = "starttls"
    proxy_from: tuple[Network, ...] | None = None


class Upper(Protocol):
    """What a link asks of the connection above it."""

    host: Host
    client: Client
    entry: Entry

    def admitted(self) -> str | None: ...
    def entered(self, transport: Any, refusal: str | None) -> None: ...
    def secured(self, transport: Any) -> None: ...
    def arrived(self, data: bytes) -> None: ...
    def heard_all(self) -> None: ...
    def gone(self, reason: Failure, was_in: bool) -> None: ...
    def abort(self, outcome: str) -> None: ...
    def event(self, name: str, *, level: log.Level = "info", **fields: object) -> None: ...


class Link:
    """One socket on its way in, up and out."""

    __slots__ = (
        "_closing_call",
        "_ended",
        "_heard",
        "_in",
        "_proxy",
        "_refusal",
        "_socket",
        "_tls",
        "_up",
    )

    def __init__(self, up: Upper) -> None:
        self._up = up
        self._socket: Any = None
        self._proxy: HeaderParser | None = None
        self._tls: Secured | None = None
        self._refusal: str | None = None
        self._in = False
        self._heard = False
        self._ended = False
        self._closing_call: IDelayedCall | None = None

    @property
    def is_in(self) -> bool:
        """Past PROXY header, limits and TLS."""
        return self._in

    # --- coming in ---

    def begin(self, socket: Any) -> None:
        self._socket = socket
        if ITCPTransport.providedBy(socket):
            # A small reply would wait 40 ms for the client's ACK; idle clients may be long gone.
            socket.setTcpNoDelay(True)
            socket.setTcpKeepAlive(True)
        if hasattr(socket, "bufferSize"):
            socket.bufferSize = self._up.host.limits.max_output_buffer
        self._identify(socket)
        trusted = self._up.entry.proxy_from
        if trusted is None:
            self._admit()
        elif self._up.client.address and not is_within(self._up.client.address, trusted):
            self._refuse_header("not one of the proxies of this listener")
        else:
            self._proxy = HeaderParser()

    def received(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.received(data)
        elif self._proxy is not None:
            self._header(self._proxy, data)
        elif not self._heard and data.startswith(TLS_HELLO):
            self._up.event("tls.unexpected", level="warn")
            self._up.abort("tls")
        else:
            self._heard = True
            self._up.arrived(data)

    def input_ended(self) -> None:
        """The client has closed its sending half; what it has sent is still to be answered."""
        self._ended = True
        if self._closing_call is not None:
            self._socket.loseConnection()
        elif self._in:
            self._up.heard_all()
        else:
            self.abort()

    def start_tls(self) -> None:
        """The client was told to go ahead; from now on it must speak TLS."""
        host = self._up.host
        assert host.tls is not None, "TLS was not offered"
        self._tls = Secured(host.tls, host.reactor, self._up.arrived, self._handshaken)
        self._tls.begin(self._socket)

    def channel_bindings(self) -> list[tuple[str, bytes]]:
        return self._tls.channel_bindings() if self._tls is not None else []

    def _identify(self, socket: Any) -> None:
        peer, here = socket.getPeer(), socket.getHost()
        address = plain(getattr(peer, "host", ""))
        self._up.client = Client(
            self._up.client.connection,
            self._up.client.protocol,
            address,
            getattr(peer, "port", 0),
            plain(getattr(here, "host", "")),
            getattr(here, "port", 0),
            tls=ISSLTransport.providedBy(socket),
            trusted=is_here(address),
        )

    def _header(self, parser: HeaderParser, data: bytes) -> None:
        try:
            found = parser.feed(data)
        except BadHeader as problem:
            self._refuse_header(str(problem))
            return
        if found is not None:
            self._proxy = None
            proxied, rest = found
            self._stand_behind(proxied)
            self._admit()
            if rest:
                self.received(rest)

    def _stand_behind(self, proxied: Proxied) -> None:
        if proxied.address:
            self._up.client = replace(
                self._up.client,
                address=proxied.address,
                port=proxied.port,
                local_address=proxied.local_address,
                local_port=proxied.local_port,
                tls=proxied.tls,
                trusted=is_here(proxied.address),
            )

    def _refuse_header(self, reason: str) -> None:
        self._up.host.metrics.connection_refused(self._up.client.protocol, "proxy")
        self._up.event("connection.proxy", level="warn", reason=reason)
        self._up.abort("proxy")

    def _admit(self) -> None:
        self._refusal = self._up.admitted()
        if self._up.entry.tls == "implicit" and self._up.host.tls is not None:
            self.start_tls()
        else:
            self._enter(self._socket)

    def _handshaken(self, transport: Any, version: str) -> None:
        self._up.host.metrics.handshake(self._up.client.protocol, version)
        bindable = bool(self.channel_bindings())
        assert self._tls is not None
        self._up.client = replace(
            self._up.client,
            tls=True,
            channel_bindings=bindable,
            certificate=self._tls.client_certificate(),
        )
        if self._in:
            self._up.secured(transport)
        else:
            self._enter(transport)

    def _enter(self, transport: Any) -> None:
        self._in = True
        self._up.entered(transport, self._refusal)

    # --- going out ---

    def pause(self) -> None:
        self._socket.pauseProducing()

    def resume(self) -> None:
        self._socket.resumeProducing()

    def close(self) -> None:
        """Let what is written go out first, and wait a while for the client's end.

        TLS waits for the other side's close anyway; a plain socket is half-closed, because
        closing it with input unread would make the kernel discard our last words.  Once the
        client has ended its half there is nothing to wait for.
        """
        self._closing_call = self._up.host.reactor.callLater(LINGER_SECONDS, self._linger, None)
        if self._tls is not None:
            self._tls.close()
        if self._ended:
            self._socket.loseConnection()
        elif self._tls is None:
            close_output(self._socket)

    def abort(self) -> None:
        if hasattr(self._socket, "abortConnection"):
            self._socket.abortConnection()
        else:
            self._socket.loseConnection()

    def lost(self, reason: Failure) -> None:
        if self._closing_call is not None and self._closing_call.active():
            self._closing_call.cancel()
        if self._tls is not None:
            self._tls.lost(reason)
            if (failed := self._tls.failure) is not None:
                self._up.host.metrics.handshake(self._up.client.protocol, "failed")
                self._up.event("tls.failed", level="info", reason=failed)
        self._up.gone(reason, self._in)
        self._socket = None

    def _linger(self, before: int | None) -> None:
        """Cut the connection unless the client has taken something since the last look."""
        left = unsent(self._socket)
        if left and (before is None or left < before):
            call_later = self._up.host.reactor.callLater
            self._closing_call = call_later(LINGER_SECONDS, self._linger, left)
        else:
            self._closing_call = None
            self.abort()


def plain(address: str) -> str:
    """IPv4 addresses as such, also when they come in over an IPv6 socket."""
    return address.removeprefix("::ffff:") if "." in address else address


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    ip = ipaddress.ip_address(address)
    return any(ip in network for network in networks if network.version == ip.version)


@lru_cache(REMEMBERED_ADDRESSES)
def is_here(address: str) -> bool:
    """Loopback, or a Unix socket (which has no address)."""
    try:
        return not address or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False

"""TLS on top of a socket that is already connected: Twisted's TLS, steered by a link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IHandshakeListener, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from mailhub.model.mail import ClientCertificate
from mailhub.net.bindings import channel_bindings
from mailhub.net.tls import TlsContexts


class Secured:
    """The server side of TLS.  ``done(transport, version)`` is called after the handshake."""

    __slots__ = ("_contexts", "_inside", "_tls", "failure")

    def __init__(
        self,
        contexts: TlsContexts,
        clock: IReactorTime,
        received: Callable[[bytes], None],
        done: Callable[[Any, str], None],
    ) -> None:
        self.failure: str | None = None
        """Why there was no handshake, once the connection is lost."""
        self._contexts = contexts
        self._inside = _Inside(received, lambda: done(self._tls, self._version()))
        self._tls = contexts.layer(self._inside, clock)

    def begin(self, socket: Any) -> None:
        self._tls.makeConnection(socket)

    def received(self, data: bytes) -> None:
        self._tls.dataReceived(data)

    def close(self) -> None:
        self._tls.loseConnection()

    def lost(self, reason: Failure) -> None:
        self._tls.connectionLost(reason)
        if not self._inside.shaken:
            self.failure = explain(self._inside.reason)

    def channel_bindings(self) -> list[tuple[str, bytes]]:
        return channel_bindings(self._tls.getHandle())

    def client_certificate(self) -> ClientCertificate | None:
        return self._contexts.client_certificate(self._tls.getHandle())

    def _version(self) -> str:
        return str(self._tls.getHandle().get_protocol_version_name())


@implementer(IHandshakeListener)
class _Inside(Protocol):
    """The protocol inside TLS: passes on what matters."""

    def __init__(self, received: Callable[[bytes], None], done: Callable[[], None]) -> None:
        self._received = received
        self._done = done
        self.shaken = False
        self.reason = connectionDone

    def handshakeCompleted(self) -> None:
        self.shaken = True
        self._done()

    def dataReceived(self, data: bytes) -> None:
        self._received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.reason = reason


def explain(reason: Failure) -> str:
    """A handshake that failed, in a few words for the log."""
    if not reason.check(SSL.Error):
        return "the client went away during the handshake"
    arguments = getattr(reason.value, "args", ())
    errors = arguments[0] if arguments else ()
    text = str(errors[-1][2]) if errors else "unknown"
    if text in ("http request", "wrong version number", "packet length too long"):
        return f"the client does not speak TLS ({text})"
    if "certificate unknown" in text or "unknown ca" in text or "bad certificate" in text:
        return f"the client does not trust our certificate ({text})"
    return text

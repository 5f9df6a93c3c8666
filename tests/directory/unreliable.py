"""A directory server's network, or a bad server, in the hands of a test.

:class:`Between` is a TCP proxy whose behaviour can be changed while it runs; :class:`Scripted` is
an LDAP server that answers each request with what a function makes of it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ldap3.protocol.rfc4511 import (
    LDAPDN,
    URI,
    BindResponse,
    ExtendedResponse,
    LDAPMessage,
    LDAPString,
    MessageID,
    PartialAttribute,
    PartialAttributeList,
    ProtocolOp,
    ResultCode,
    SearchResultDone,
    SearchResultEntry,
    SearchResultReference,
    Vals,
)
from ldap3.strategy.base import BaseStrategy
from ldap3.utils.asn1 import encode

compute_ldap_message_size = BaseStrategy.compute_ldap_message_size
_NAMES = {0: "bind", 2: "unbind", 3: "search", 23: "extended"}


@dataclass(frozen=True)
class Request:
    """A message from a client; ``secret`` is a simple bind's password."""

    number: int
    name: str
    secret: str = ""


Handler = Callable[[Request, socket.socket], None]


class Listening:
    """Takes connections on a free port; each is served by a thread of its own."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.taken = 0
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.taken += 1
            self._open.add(connection)
            threading.Thread(target=self._guarded, args=(connection,), daemon=True).start()

    def _guarded(self, connection: socket.socket) -> None:
        try:
            self.serve(connection)
        except OSError:
            return  # one side is gone
        finally:
            connection.close()

    def serve(self, connection: socket.socket) -> None:
        raise NotImplementedError

    def cut(self) -> None:
        """End every connection, as a firewall that forgets."""
        for connection in list(self._open):
            self._open.discard(connection)
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        self._socket.close()
        self.cut()


class Between(Listening):
    """Passes octets to a server on loopback, as long as it is told to."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self.passing = threading.Event()
        self.passing.set()
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._behind)) as server:
            threading.Thread(target=self._pass, args=(server, connection), daemon=True).start()
            self._pass(connection, server)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self.passing.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


class Scripted(Listening):
    """An LDAP server without TLS; *handler* answers every message."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[str] = []
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        buffer = b""
        while data := connection.recv(65536):
            buffer += data
            if buffer[0] != 0x30:
                return  # it speaks TLS by now
            while buffer and 0 <= (size := compute_ldap_message_size(buffer)) <= len(buffer):
                request, buffer = _request(buffer[:size]), buffer[size:]
                self.requests.append(request.name)
                self.handler(request, connection)


def _request(octets: bytes) -> Request:
    _, message, _ = _element(octets)
    _, number, rest = _element(message)
    tag, content, _ = _element(rest)
    name = _NAMES[tag & 0x1F]
    secret = b""
    if name == "bind":
        for _ in ("version", "name", "authentication"):
            _, secret, content = _element(content)
    return Request(int.from_bytes(number, "big"), name, secret.decode())


def _element(octets: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content, and what follows: BER as LDAP clients write it."""
    start, size = 2, octets[1]
    if size >= 0x80:
        start += size - 0x80
        size = int.from_bytes(octets[2:start], "big")
    return octets[0], octets[start : start + size], octets[start + size :]


def reply(message: Request, name: str, operation: Any) -> bytes:
    """An answer to *message*."""
    answer = LDAPMessage()
    answer["messageID"] = MessageID(message.number)
    answer["protocolOp"] = ProtocolOp().setComponentByName(name, operation)
    return bytes(encode(answer))


def result(operation: Any, code: int, text: str = "") -> Any:
    operation["resultCode"] = ResultCode(code)
    operation["matchedDN"] = LDAPDN("")
    operation["diagnosticMessage"] = LDAPString(text)
    return operation


def bound(message: Request, code: int = 0, text: str = "") -> bytes:
    return reply(message, "bindResponse", result(BindResponse(), code, text))


def extended(message: Request, code: int = 0) -> bytes:
    return reply(message, "extendedResp", result(ExtendedResponse(), code))


def found(message: Request, dn: str, **attributes: list[str]) -> bytes:
    entry = SearchResultEntry()
    entry["object"] = LDAPDN(dn)
    listed = PartialAttributeList()
    for position, (name, values) in enumerate(attributes.items()):
        attribute = PartialAttribute()
        attribute["type"] = name
        attribute["vals"] = Vals()
        for number, value in enumerate(values):
            attribute["vals"].setComponentByPosition(number, value.encode())
        listed.setComponentByPosition(position, attribute)
    entry["attributes"] = listed
    return reply(message, "searchResEntry", entry)


def referred(message: Request, url: str) -> bytes:
    reference = SearchResultReference()
    reference.setComponentByPosition(0, URI(url))
    return reply(message, "searchResRef", reference)


def done(message: Request, code: int = 0, text: str = "") -> bytes:
    return reply(message, "searchResDone", result(SearchResultDone(), code, text))

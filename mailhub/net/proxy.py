"""The PROXY protocol, versions 1 and 2: who the client of a proxy in front of us really is.

See https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt.  Twisted's parser is not used:
it cannot tell that a client spoke TLS to the proxy, and raises on some garbage.  No I/O here.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
MAX_V1 = 107
MAX_V2 = 4096
"""Octets of addresses and TLVs; proxies send a few hundred at most."""
_SSL, _CLIENT_SSL = 0x20, 0x01


class BadHeader(Exception):
    """Not a PROXY header; the text says why."""


@dataclass(frozen=True, slots=True)
class Proxied:
    """What a header said.  Empty addresses: the proxy speaks for itself (LOCAL, UNKNOWN)."""

    address: str = ""
    port: int = 0
    local_address: str = ""
    local_port: int = 0
    tls: bool = False
    """The client spoke TLS to the proxy (version 2 only)."""


class HeaderParser:
    """Collects the header however it is cut."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> tuple[Proxied, bytes] | None:
        """The header and the octets after it; None: more is needed.  Raises BadHeader."""
        self._data += data
        if self._data[: len(SIGNATURE)] == SIGNATURE[: len(self._data)]:
            return self._version2()
        if self._data[:6] == b"PROXY "[: len(self._data)]:
            return self._version1()
        raise BadHeader("no PROXY header")

    def _version1(self) -> tuple[Proxied, bytes] | None:
        end = self._data.find(b"\r\n", 0, MAX_V1)
        if end < 0:
            if len(self._data) >= MAX_V1:
                raise BadHeader("version 1 header too long")
            return None
        return parse_line(self._data[6:end]), self._data[end + 2 :]

    def _version2(self) -> tuple[Proxied, bytes] | None:
        if len(self._data) < 16:
            return None
        version_command, family, length = struct.unpack_from("!BBH", self._data, 12)
        if version_command >> 4 != 2 or version_command & 15 > 1:
            raise BadHeader("unknown version or command")
        if length > MAX_V2:
            raise BadHeader("version 2 header too long")
        if len(self._data) < 16 + length:
            return None
        block, rest = self._data[16 : 16 + length], self._data[16 + length :]
        if version_command & 15 == 0:  # LOCAL: health checks of the proxy itself
            return Proxied(), rest
        return parse_block(family, block), rest


def parse_line(line: bytes) -> Proxied:
    """Version 1 after ``PROXY `` and without CRLF."""
    words = line.split(b" ")
    if words[0] == b"UNKNOWN":  # whatever follows must be ignored
        return Proxied()
    if words[0] not in (b"TCP4", b"TCP6") or len(words) != 5:
        raise BadHeader("malformed version 1 header")
    version = 4 if words[0] == b"TCP4" else 6
    source, target = (_address(word, version) for word in words[1:3])
    return Proxied(source, _port(words[3]), target, _port(words[4]))


def parse_block(family: int, block: bytes) -> Proxied:
    """Version 2 after its fixed part."""
    if family == 0x11:
        form, octets = "!4s4sHH", 12
    elif family == 0x21:
        form, octets = "!16s16sHH", 36
    elif family in (0x00, 0x31):  # unspecified, Unix stream: the proxy's own address counts
        return Proxied()
    else:
        raise BadHeader("unknown address family")
    if len(block) < octets:
        raise BadHeader("truncated addresses")
    source, target, port, local_port = struct.unpack_from(form, block)
    return Proxied(
        str(ipaddress.ip_address(source)),
        port,
        str(ipaddress.ip_address(target)),
        local_port,
        _client_tls(block[octets:]),
    )


def _client_tls(tlvs: bytes) -> bool:
    """Whether PP2_TYPE_SSL says that the client came over TLS."""
    while tlvs:
        if len(tlvs) < 3:
            raise BadHeader("truncated TLV")
        kind, length = struct.unpack_from("!BH", tlvs)
        value, tlvs = tlvs[3 : 3 + length], tlvs[3 + length :]
        if len(value) < length:
            raise BadHeader("truncated TLV")
        if kind == _SSL:
            return bool(value) and bool(value[0] & _CLIENT_SSL)
    return False


def _address(word: bytes, version: int) -> str:
    try:
        address = ipaddress.ip_address(word.decode("ascii"))
    except ValueError:  # UnicodeDecodeError is one
        raise BadHeader("malformed address") from None
    if address.version != version or getattr(address, "scope_id", None):
        raise BadHeader("malformed address")
    return str(address)


def _port(word: bytes) -> int:
    if not (word.isdigit() and len(word) <= 5 and int(word) <= 65535):
        raise BadHeader("malformed port")
    return int(word)

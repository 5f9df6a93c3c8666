"""What a listener's ``address`` says: ``host:port``, ``[v6]:port`` or ``unix:/path``."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

_HOST_PORT = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})", re.ASCII)

ANY_HOST = "::"
"""What ``*`` and an empty host stand for: all addresses, IPv4 included."""


class BadAddress(ValueError):
    """Not an address of a listener; the text says why."""


@dataclass(frozen=True, slots=True)
class TcpAddress:
    host: str
    """An IP address."""
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        return ipaddress.ip_address(self.host).is_loopback


@dataclass(frozen=True, slots=True)
class UnixAddress:
    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"

    @property
    def is_loopback(self) -> bool:
        return True


Address = TcpAddress | UnixAddress


def parse_address(text: str) -> Address:
    """What *text* names.  Raises BadAddress.

    Names other than ``localhost`` are refused: what a name resolves to at start is a surprise
    later, and a server's own addresses are known.
    """
    if text.startswith("unix:"):
        path = Path(text.removeprefix("unix:"))
        if not path.is_absolute():
            raise BadAddress("the path of a Unix socket must be absolute")
        return UnixAddress(path)
    parts = _HOST_PORT.fullmatch(text)
    if parts is None:
        raise BadAddress('write "host:port", "[v6]:port" or "unix:/path"')
    port = int(parts["port"])
    if port > 65535:
        raise BadAddress("a port is a number up to 65535")
    return TcpAddress(_ip_address(parts["v6"] or parts["host"]), port)


def _ip_address(host: str | None) -> str:
    if host in ("", "*", None):
        return ANY_HOST
    if host == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        raise BadAddress(f'"{host}" is not an IP address, "localhost" or "*"') from None

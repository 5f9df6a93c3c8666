"""Listening: from a ``[[listener]]`` to an open socket, with errors for people.

Knows nothing of the protocols, so that a process which only binds for others stays small.  Left out
on purpose: taking over sockets from systemd; a restart is a matter of a second, and clients
reconnect by themselves.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mailhub.config.addresses import ANY_HOST, TcpAddress, UnixAddress, parse_address
from mailhub.config.options import Listener

BACKLOG = 1024
_ANY_IPV4 = "0.0.0.0"  # noqa: S104 - where the administrator wrote "*"
_MAX_PATH = 100  # struct sockaddr_un has 108 octets


class ListenFailed(Exception):
    """A port that cannot be opened; the text says which, why, and what helps."""


@dataclass(frozen=True, slots=True)
class Listening:
    """A listener with its open socket."""

    listener: Listener
    socket: socket.socket

    @property
    def address(self) -> str:
        """As in the configuration, with the port that a 0 became."""
        port = self.tcp_port
        if port is None:
            return self.listener.address
        return str(TcpAddress(self.socket.getsockname()[0], port))

    @property
    def tcp_port(self) -> int | None:
        return None if self.socket.family == socket.AF_UNIX else int(self.socket.getsockname()[1])

    def remove(self) -> None:
        """Close it for good, in all processes that have it; its name goes as well."""
        self.socket.shutdown(socket.SHUT_RDWR)  # whoever still has it open listens no more
        self.socket.close()
        address = parse_address(self.listener.address)
        if isinstance(address, UnixAddress):
            address.path.unlink(missing_ok=True)


def bind(listener: Listener) -> Listening:
    """Clients may connect from now on.  Raises ListenFailed."""
    address = parse_address(listener.address)
    try:
        if isinstance(address, UnixAddress):
            return Listening(listener, bind_unix(address.path, int(listener.mode, 8)))
        return Listening(listener, _bind_tcp(address))
    except OSError as problem:
        raise ListenFailed(explain(listener.address, problem)) from None


def bind_unix(path: Path, mode: int) -> socket.socket:
    """Raises ListenFailed when its place is taken, OSError."""
    make_way(path)
    opened = socket.socket(socket.AF_UNIX)
    with _closed_on_failure(opened), _short(path) as name:
        opened.bind(name)
        path.chmod(mode)  # nobody can connect before listen()
        opened.listen(BACKLOG)
    return opened


def _bind_tcp(address: TcpAddress) -> socket.socket:
    host = address.host
    if host == ANY_HOST and not socket.has_dualstack_ipv6():
        host = _ANY_IPV4
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    with _closed_on_failure(opened):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if host == ANY_HOST:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        opened.bind((host, address.port))
        opened.listen(BACKLOG)
    return opened


@contextmanager
def _closed_on_failure(opened: socket.socket) -> Iterator[None]:
    opened.setblocking(False)
    try:
        yield
    except BaseException:
        opened.close()
        raise


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name of *path* that fits into a socket address."""
    if len(os.fsencode(path)) <= _MAX_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


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
    with socket.socket(socket.AF_UNIX) as knocking, _short(path) as name:
        if knocking.connect_ex(name) == errno.ECONNREFUSED:
            path.unlink(missing_ok=True)


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

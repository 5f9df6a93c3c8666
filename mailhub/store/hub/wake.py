"""Datagrams that make another process look at the bell at once.

Each running process receives on ``run/bell.<slot>``.  A datagram says nothing and may be lost: a
full queue, a stale socket and a missing one are all the same to the sender.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_MAX_PATH = 100  # struct sockaddr_un has 108 octets
_MOST_TAKEN = 64


class Wake:
    """Sending needs no name; ``listen`` binds one."""

    def __init__(self, bell: Path) -> None:
        self._bell = bell
        self._folder = os.open(bell.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._sender = _datagram_socket()
        self._receiver: socket.socket | None = None
        self._name: Path | None = None

    def send(self, slots: Iterable[int]) -> None:
        for slot in slots:
            with suppress(OSError):
                self._sender.sendto(b"\0", self._address(slot))

    def listen(self, slot: int) -> None:
        """Receive for *slot*, which the caller owns: a socket left there is a dead process's."""
        self._name = self._bell.with_name(f"{self._bell.name}.{slot}")
        self._name.unlink(missing_ok=True)
        self._receiver = _datagram_socket()
        self._receiver.bind(self._address(slot))

    def fileno(self) -> int:
        """Of the receiving socket; -1 when there is none."""
        return -1 if self._receiver is None else self._receiver.fileno()

    def drain(self) -> int:
        """Take what has arrived, bounded: more only means another look.  How many there were."""
        assert self._receiver is not None
        taken = 0
        with suppress(BlockingIOError):
            while taken < _MOST_TAKEN:
                self._receiver.recv(1)
                taken += 1
        return taken

    def close(self) -> None:
        self._sender.close()
        if self._receiver is not None:
            self._receiver.close()
            self._receiver = None
        if self._name is not None:
            self._name.unlink(missing_ok=True)
        os.close(self._folder)

    def _address(self, slot: int) -> str:
        path = f"{self._bell}.{slot}"
        if len(os.fsencode(path)) <= _MAX_PATH:
            return path
        return f"/proc/self/fd/{self._folder}/{self._bell.name}.{slot}"


def _datagram_socket() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made

"""Objects and descriptors between the parent and the template: one packet each."""

from __future__ import annotations

import pickle  # noqa: S403 - both ends are the same program
import socket
from collections.abc import Sequence
from typing import Any

MAX_PACKET = 128 * 1024
MAX_DESCRIPTORS = 250
"""The kernel's own limit is 253."""


def pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(to: socket.socket, message: object, descriptors: Sequence[int] = ()) -> None:
    socket.send_fds(to, [pickle.dumps(message, pickle.HIGHEST_PROTOCOL)], descriptors)


def receive(source: socket.socket) -> tuple[Any, list[int]] | None:
    """An object and descriptors, which are closed on exec; None: the other end is gone."""
    try:
        data, descriptors, _, _ = socket.recv_fds(
            source, MAX_PACKET, MAX_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
        )
    except ConnectionResetError:  # it has gone without reading our last words
        return None
    if not data:
        return None
    return pickle.loads(data), list(descriptors)  # noqa: S301 - from ourselves

"""What processes of one server say to each other over pipes and socket pairs.

Each frame is a length and a pickled object.  Both ends are the same program of the same
version and neither reads anything else, so pickle is as safe here as an argument of a function.
"""

from __future__ import annotations

import pickle  # noqa: S403 - see above
import socket
import struct
from collections.abc import Iterator
from typing import Any

_LENGTH = struct.Struct("!I")
MAX_FRAME = 64 << 20


def frame(value: object) -> bytes:
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(data)) + data


class Frames:
    """Takes octets as they come, gives whole objects."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """Raises ValueError on what cannot be a frame."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > MAX_FRAME:
                raise ValueError("not a frame")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            value = pickle.loads(self._buffer[_LENGTH.size : end])  # noqa: S301 - from ourselves
            del self._buffer[:end]
            yield value


def read_frame(source: socket.socket) -> Any:
    """Wait for one object.  Raises EOFError."""
    (length,) = _LENGTH.unpack(_read(source, _LENGTH.size))
    return pickle.loads(_read(source, length))  # noqa: S301 - from ourselves


def _read(source: socket.socket, octets: int) -> bytes:
    data = b""
    while len(data) < octets:
        piece = source.recv(octets - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data

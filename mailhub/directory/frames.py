"""What the server and its directory helper say to each other over pipes.

Each frame is a length and a pickled object.  Both ends are the same program of the same
version and neither reads anything else, so pickle is as safe here as an argument of a function.
"""

from __future__ import annotations

import pickle  # noqa: S403 - see above
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailhub.model.steps import Step

_LENGTH = struct.Struct("!I")
MAX_FRAME = 64 << 20


@dataclass(frozen=True, slots=True)
class Question:
    """A method of Lookup to be called; ``end`` is on the monotonic clock, which both share."""

    number: int
    directory: str
    method: str
    arguments: tuple[Any, ...]
    end: float
    heard: bool = False
    """Whether anybody wants the steps."""


@dataclass(frozen=True, slots=True)
class Reply:
    """``failure`` is Refused, Trouble, or the text of something unexpected."""

    number: int
    value: Any
    failure: Exception | str | None
    steps: Sequence[Step]
    waited: float


@dataclass(frozen=True, slots=True)
class EventFrame:
    name: str
    level: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Measured:
    directory: str
    server: str
    operation: str
    outcome: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Breaker:
    directory: str
    server: str
    is_open: bool


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

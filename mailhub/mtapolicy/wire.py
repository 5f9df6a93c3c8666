"""Requests: ``name=value`` lines up to an empty line.  Bounded, and strict about nothing else."""

from __future__ import annotations

from collections.abc import Mapping

MAX_REQUEST = 16 * 1024
"""Octets of a request; Postfix's are below 2 KB, but addresses and certificates are others'."""


class TooLong(Exception):
    """No policy client sends that."""


class Framer:
    """Octets in, requests out."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> Mapping[str, str] | None:
        """The next request, or None until more has come.  Raises TooLong."""
        self._buffer = self._buffer.replace(b"\r\n", b"\n")
        if self._buffer.startswith(b"\n"):
            self._buffer = self._buffer[1:]
            return {}
        end = self._buffer.find(b"\n\n")
        if (len(self._buffer) if end < 0 else end) > MAX_REQUEST:
            raise TooLong
        if end < 0:
            return None
        text, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return dict(_attributes(text))


def _attributes(text: bytes) -> list[tuple[str, str]]:
    lines = text.decode("utf-8", "replace").split("\n")
    return [(name, value) for name, equals, value in (s.partition("=") for s in lines) if equals]


def answer(action: str) -> bytes:
    return f"action={action}\n\n".encode()

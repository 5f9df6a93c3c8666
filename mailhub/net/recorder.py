"""The flight recorder: the end of one session's dialogue, kept in memory.

The protocol hands over text that it has already redacted (no credentials, no literals).  The
record grows on demand up to its limit, long pieces are cut in the middle, and the record of an
idle session shrinks: ten thousand idle connections must not keep 16 KiB each.
"""

from __future__ import annotations

from collections.abc import Callable

IDLE_OCTETS = 2048
MAX_PIECE = 1024
"""Of one piece of dialogue; the middle of a longer one is left out."""
_ENDS = MAX_PIECE // 2


class FlightRecorder:
    """Keeps at least the last *limit* octets, at most a quarter more; 0 keeps nothing."""

    __slots__ = ("_began", "_clock", "_limit", "_text")

    def __init__(self, clock: Callable[[], float], limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._text = bytearray()
        self._began = clock()

    def received(self, data: bytes) -> None:
        if self._limit:
            self._add(b"C", data)

    def sent(self, data: bytes) -> None:
        if self._limit:
            self._add(b"S", data)

    def shrink(self) -> None:
        """The session is idle: keep only its last words."""
        self._keep(IDLE_OCTETS)

    @property
    def octets(self) -> int:
        return len(self._text)

    def text(self) -> str:
        """The record, oldest first; each piece starts ``seconds since the start, C or S``."""
        return self._text.decode("utf-8", "backslashreplace")

    def _add(self, who: bytes, data: bytes) -> None:
        if len(data) > MAX_PIECE:
            left_out = b"\n... %d octets ...\n" % (len(data) - 2 * _ENDS)
            data = data[:_ENDS] + left_out + data[-_ENDS:]
        data = data.replace(b"\r\n", b"\n").rstrip(b"\n")
        self._text += b"%.3f %s: %s\n" % (self._clock() - self._began, who, data)
        if len(self._text) > self._limit + self._limit // 4:
            self._keep(self._limit)

    def _keep(self, octets: int) -> None:
        excess = len(self._text) - octets
        if excess > 0:
            line_end = self._text.find(b"\n", excess - 1)
            # A copy, so that the memory of what went is really given back.
            self._text = self._text[line_end + 1 if line_end >= 0 else excess :]

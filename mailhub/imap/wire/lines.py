"""The buffer under the framing: whole lines out of bytes that come in any pieces."""

from __future__ import annotations


class LineBuffer:
    """Finds line ends without looking at any octet twice."""

    __slots__ = ("_data", "_searched")

    def __init__(self) -> None:
        self._data = bytearray()
        self._searched = 0  # so many octets hold no LF

    def __len__(self) -> int:
        return len(self._data)

    @property
    def first(self) -> int:
        """The first octet; IndexError when empty."""
        return self._data[0]

    def feed(self, data: bytes) -> None:
        self._data += data

    def peek(self, octets: int) -> bytes:
        return bytes(self._data[:octets])

    def take(self, octets: int) -> bytes:
        """The next octets, at most so many."""
        data = bytes(self._data[:octets])
        self.drop(octets)
        return data

    def drop(self, octets: int) -> None:
        del self._data[:octets]
        self._searched = 0

    def drop_blank_lines(self) -> None:
        if self._data.startswith((b"\r", b"\n")):
            self.drop(len(self._data) - len(self._data.lstrip(b"\r\n")))

    def line(self) -> bytes | None:
        """The next line without its end (a bare LF will do), or None while it has none."""
        end = self._data.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._data)
            return None
        line = self.take(end + 1)
        return line[:-2] if line.endswith(b"\r\n") else line[:-1]

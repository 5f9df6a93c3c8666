"""LDAP messages off a socket, in place of ldap3's own reading.

That one copies all that has come for every 4 KiB that come, so an entry with a value of some
megabytes takes seconds of a processor, which looks like a server that does not answer; and it
knows no bound.  Here an entry that is too large is skipped as it comes, and stands in the answer
with nothing but its name and :data:`TOO_LARGE`: nobody's entry keeps others from being read.
"""

from __future__ import annotations

from typing import Any

from mailhub.directory.troubles import Kind, Trouble

MAX_MESSAGE = 4 << 20
"""Octets; the groups of somebody who is in forty thousand of them."""
TOO_LARGE = "x-mailhub-too-large"
"""The attribute that an entry has which was not read: its octets."""
_RECEIVE = 1 << 18
_MAX_NAME = 4096
_SEQUENCE, _INTEGER, _OCTETS, _SET, _ENTRY = 0x30, 0x02, 0x04, 0x31, 0x64


class NotLdap(Exception):
    """What came is no LDAP message."""


class Receiver:
    """Of one connection of ldap3, whose ``strategy.receiving`` it takes the place of."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._came = bytearray()

    @property
    def is_empty(self) -> bool:
        """Nothing has come beyond the messages that were taken."""
        return not self._came

    def __call__(self) -> list[bytes]:
        """At least one message; none when the server has hung up.

        Raises ConnectionError, NotLdap; Trouble for what is too large and no entry.
        """
        while True:
            if messages := self._whole():
                return messages
            more = self._more()
            if not more:
                return []
            self._came += more

    def _more(self) -> bytes:
        try:
            return self._connection.socket.recv(_RECEIVE)  # type: ignore[no-any-return]
        except (OSError, AttributeError) as error:  # no socket: closed by the watchdog
            raise ConnectionError(f"error receiving data: {error}") from error

    def _whole(self) -> list[bytes]:
        messages: list[bytes] = []
        at = 0
        while (size := message_size(self._came, at)) is not None:
            if size > MAX_MESSAGE:
                del self._came[:at]
                return [*messages, self._skipped(size)]
            if at + size > len(self._came):
                break
            messages.append(bytes(self._came[at : at + size]))
            at += size
        del self._came[:at]
        return messages

    def _skipped(self, size: int) -> bytes:
        """The message of *size* that has begun to come, without its attributes."""
        while len(self._came) < min(size, 2 * _MAX_NAME):
            self._came += self._more() or self._hung_up()
        short = shortened(bytes(self._came[: 2 * _MAX_NAME]), size)
        left = size - len(self._came)
        del self._came[:size]
        while left > 0:
            more = self._more() or self._hung_up()
            self._came += more[left:]
            left -= len(more)
        return short

    def _hung_up(self) -> bytes:
        raise ConnectionError("the server hung up in the middle of an answer")


def message_size(octets: bytes | bytearray, at: int) -> int | None:  # 8.1.3 of X.690
    """Of the message at *at*, its head included; None: not enough has come.

    Raises NotLdap.
    """
    head = octets[at : at + 6]
    if len(head) < 2:
        return None
    if head[0] != _SEQUENCE:
        raise NotLdap("no message begins like that")
    if head[1] < 0x80:
        return 2 + head[1]
    count = head[1] & 0x7F
    if not 0 < count <= 4:
        raise NotLdap("no message begins like that")
    if len(head) < 2 + count:
        return None
    return 2 + count + int.from_bytes(head[2 : 2 + count])


def shortened(start: bytes, size: int) -> bytes:
    """An entry with the name that *start* of a message of *size* octets gives, and TOO_LARGE.

    Raises Trouble: it is no entry, or its name alone is too long.
    """
    try:
        _, at = _head(start, 0, _SEQUENCE)
        length, at = _head(start, at, _INTEGER)
        number, at = start[at : at + length], at + length
        _, at = _head(start, at, _ENTRY)
        length, at = _head(start, at, _OCTETS)
        if length > _MAX_NAME or at + length > len(start):
            raise ValueError
    except (ValueError, IndexError):
        text = f"an answer of {size:,} octets; no more than {MAX_MESSAGE:,} are read"
        raise Trouble(Kind.LIMIT, text) from None
    value = _coded(_SET, _coded(_OCTETS, str(size).encode()))
    attribute = _coded(_SEQUENCE, _coded(_OCTETS, TOO_LARGE.encode()) + value)
    name = _coded(_OCTETS, start[at : at + length])
    entry = _coded(_ENTRY, name + _coded(_SEQUENCE, attribute))
    return _coded(_SEQUENCE, _coded(_INTEGER, number) + entry)


def _head(octets: bytes, at: int, tag: int) -> tuple[int, int]:
    """Length of the value at *at*, and where it begins.  Raises ValueError, IndexError."""
    if octets[at] != tag:
        raise ValueError
    length = octets[at + 1]
    if length < 0x80:
        return length, at + 2
    end = at + 2 + (length & 0x7F)
    return int.from_bytes(octets[at + 2 : end]), end


def _coded(tag: int, value: bytes) -> bytes:
    length = len(value)
    if length < 0x80:
        return bytes((tag, length)) + value
    return bytes((tag, 0x84)) + length.to_bytes(4) + value

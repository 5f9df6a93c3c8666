"""POP3's grammar on the wire: lines in, replies and dot-stuffed text out.  RFC 1939, RFC 2449.

Sans-IO: however the bytes are cut, the same lines come out, and the same octets go to the client.

Stored messages are bytes and not always proper lines, so :class:`DotStuffer` decides what a client
gets, in a way that keeps octet counts right (RFC 1939 11):

- every line that begins with a dot is stuffed, also one that follows a bare LF: many clients read
  lines up to LF, and an unstuffed dot behind one would end the message for them early;
- a message that does not end in CRLF is followed by one, which belongs to the terminator
  (``CRLF . CRLF``) and is not counted;
- NUL, which no POP3 response may contain (RFC 2449 3) and on which some clients hang, goes out as
  the octet 0x80, so that counts and offsets stay as they are;
- everything else, bare CR and LF included, goes out as it is stored.

Commands may end in a bare LF: people type them into netcat, and nothing rests on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LINE = 65_536
"""5034 4: at least 12,288 for SASL responses; access tokens with many groups are longer."""
MAX_REPLY = 512  # 2449 3: of a status line, with its CRLF

TERMINATOR = b".\r\n"

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class SyntaxRefused(Exception):
    """A line that is no POP3 command; the text is for the client."""


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line above the limit has gone by; its bytes were dropped as they came."""


@dataclass(frozen=True, slots=True)
class Command:
    """A keyword in upper case, and the bytes after the one space behind it, untouched."""

    name: str
    argument: bytes

    def line(self) -> bytes:
        return b" ".join(part for part in (self.name.encode(), self.argument) if part)


class LineReader:
    """Bytes in, lines without their ends out; never holds more than *limit* octets of one line."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> bytes | TooLong | None:
        """The next line, or None until more bytes are fed."""
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > self._limit:
                self._skipping = True
            if self._skipping:
                self._buffer.clear()
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        if self._skipping or len(line) > self._limit:
            self._skipping = False
            return TooLong()
        return line.removesuffix(b"\r")

    def clear(self) -> None:
        """Forget what was fed and not yet read (2595 4: what came in clear before TLS)."""
        self._buffer.clear()
        self._skipping = False


class DotStuffer:
    """Turns the pieces of a message, however cut, into the body of a multi-line response."""

    def __init__(self) -> None:
        self._tail = b"\r\n"  # the status line before the message

    def feed(self, data: bytes) -> bytes:
        """What to send for *data*, the next piece of the message."""
        if not data:
            return b""
        stuffed = data.replace(b"\n.", b"\n..")
        if data.startswith(b".") and self._tail.endswith(b"\n"):
            stuffed = b"." + stuffed
        self._tail = data[-2:] if len(data) > 1 else (self._tail + data)[-2:]
        return stuffed.replace(b"\0", b"\x80") if b"\0" in stuffed else stuffed

    def finish(self) -> bytes:
        """The end of the response."""
        return TERMINATOR if self._tail == b"\r\n" else b"\r\n" + TERMINATOR


class LineCounter:
    """Cuts a text fed in pieces behind its first *lines* lines (TOP)."""

    def __init__(self, lines: int) -> None:
        self._left = lines

    @property
    def satisfied(self) -> bool:
        return self._left <= 0

    def feed(self, data: bytes) -> bytes:
        """As much of *data* as still belongs to the lines wanted."""
        if self.satisfied:
            return b""
        found = data.count(b"\n")
        if found < self._left:
            self._left -= found
            return data
        end = 0
        for _ in range(self._left):
            end = data.index(b"\n", end) + 1
        self._left = 0
        return data[:end]


def parse_command(line: bytes) -> Command:
    """The command in *line*, or SyntaxRefused."""
    keyword, _, argument = line.partition(b" ")
    if not keyword:
        raise SyntaxRefused("Empty line")
    if not keyword.isalnum():  # of ASCII: bytes know no other
        raise SyntaxRefused("That is not a POP3 command")
    return Command(keyword.decode("ascii").upper(), argument)


def numbers(argument: bytes, least: int, most: int) -> tuple[int, ...]:
    """Between *least* and *most* decimal numbers separated by spaces, or SyntaxRefused."""
    words = argument.split()
    if not least <= len(words) <= most:
        raise SyntaxRefused("Wrong number of arguments")
    if not all(word.isdigit() and len(word) <= 10 for word in words):
        raise SyntaxRefused("The argument must be a number")
    return tuple(int(word) for word in words)


def ok(text: str = "") -> bytes:
    return _status("+OK", "", text)


def err(text: str, code: str = "") -> bytes:
    """A refusal; *code* is an extended response code (2449 8), written in its brackets."""
    return _status("-ERR", code, text)


def _status(status: str, code: str, text: str) -> bytes:
    """One line, whatever *text* contains: no CRLF gets through, and nothing above 512 octets."""
    if not text.isprintable():
        text = _UNPRINTABLE.sub("?", text)
    words = [status, f"[{code}]" if code else "", text]
    line = " ".join(filter(None, words)).encode("utf-8", "replace")
    if len(line) > MAX_REPLY - 2:
        line = line[: MAX_REPLY - 2].decode("utf-8", "ignore").encode()
    return line + b"\r\n"

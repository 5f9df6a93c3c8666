"""LMTP's framing: command lines, DATA and BDAT in, replies out.  RFC 5321, RFC 2033, RFC 3030.

Sans-IO: however the bytes are cut, the same commands and the same message come out.

Where a message ends is decided here, and strictly: DATA ends at ``CRLF . CRLF`` and nowhere else
(5321 4.1.1.4).  A bare LF or a bare CR is data like any other octet, never a line end: it is
neither a place for a stuffed dot nor for the end, and it is kept as it came.  An upstream server
with a laxer view can therefore not be used to slip a second message behind the first.  Command
lines must end in CRLF too; one that ends in a bare LF is refused, not executed.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_LINE = 4096
"""Of a command, CRLF included; 5321 4.5.3.1.4 asks for 512 and more for every extension."""
MAX_REPLY_TEXT = 400  # 5321 4.5.3.1.5: a reply line has at most 512 octets

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Mode(enum.Enum):
    COMMANDS = "commands"
    DATA = "data"
    CHUNK = "chunk"


@dataclass(frozen=True, slots=True)
class Line:
    """A command line without its CRLF."""

    data: bytes


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was no command line; its bytes are gone."""

    problem: str


@dataclass(frozen=True, slots=True)
class Octets:
    """A piece of a message, dots unstuffed."""

    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The text of DATA, or the chunk of BDAT, is complete."""


Event = Line | BadLine | Octets | End


class Framer:
    """Bytes in, events out; whoever reads a DATA or BDAT command says what follows it."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._mode = Mode.COMMANDS
        self._skipping = False
        self._line_start = True
        self._chunk_left = 0

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def start_data(self) -> None:
        """What follows is a message, up to the line with the single dot."""
        self._mode = Mode.DATA
        self._line_start = True

    def start_chunk(self, octets: int) -> None:
        """What follows are *octets* of a message (3030 2)."""
        self._mode = Mode.CHUNK
        self._chunk_left = octets

    def clear(self) -> None:
        """Forget what was fed and not yet read (3207 4.2: what came in clear before TLS)."""
        self._buffer.clear()
        self._skipping = False

    def next(self) -> Event | None:
        """The next event, or None until more bytes are fed."""
        if self._mode is Mode.COMMANDS:
            return self._next_line()
        if self._mode is Mode.DATA:
            return self._next_text()
        return self._next_of_chunk()

    def _next_line(self) -> Event | None:
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) >= MAX_LINE:
                self._skipping = True
            if self._skipping:
                self._buffer.clear()
            return None
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        if self._skipping or len(line) > MAX_LINE:
            self._skipping = False
            return BadLine("Line too long")
        if not line.endswith(b"\r\n"):
            return BadLine("Lines end in CRLF")  # 5321 2.3.8
        if b"\r" in line[:-2] or b"\0" in line:
            return BadLine("Control characters are not allowed in commands")
        return Line(line[:-2])

    def _next_of_chunk(self) -> Event | None:
        if not self._chunk_left:
            self._mode = Mode.COMMANDS
            return End()
        if not self._buffer:
            return None
        piece = bytes(self._buffer[: self._chunk_left])
        del self._buffer[: len(piece)]
        self._chunk_left -= len(piece)
        return Octets(piece)

    def _next_text(self) -> Event | None:
        pieces: list[bytearray] = []
        used = self._unstuff(pieces)
        del self._buffer[:used]
        text = b"".join(pieces)
        if text:
            return Octets(text)
        if self._line_start and self._buffer.startswith(b".\r\n"):
            del self._buffer[:3]
            self._mode = Mode.COMMANDS
            return End()
        return None

    def _unstuff(self, pieces: list[bytearray]) -> int:
        """Append the text that is certain by now to *pieces*; how much of the buffer that was.

        What stays is the end, or a beginning of CRLF.CRLF that the next bytes will settle.
        """
        buffer, position = self._buffer, 0
        while position < len(buffer):
            if self._line_start and buffer[position] == ord("."):
                if b".\r\n".startswith(buffer[position : position + 3]):
                    break
                position += 1  # 5321 4.5.2
            self._line_start = False
            dot = buffer.find(b"\r\n.", position)
            if dot < 0:
                end = len(buffer) - (buffer[-1] == ord("\r"))
                self._line_start = buffer.endswith(b"\r\n", position)
            else:
                end = dot + 2
                self._line_start = True
            pieces.append(buffer[position:end])
            position = end
            if dot < 0:
                break
        return position


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: three digits, an enhanced status code (2034; "" where there is none), lines."""

    code: int
    status: str
    lines: Sequence[str]

    def encode(self) -> bytes:
        """The reply on the wire, whatever its texts contain."""
        lines = [_UNPRINTABLE.sub("?", line)[:MAX_REPLY_TEXT] for line in self.lines]
        status = f"{self.status} " if self.status else ""
        joints = ["-"] * (len(lines) - 1) + [" "]
        return b"".join(
            f"{self.code}{joint}{status}{line}\r\n".encode("utf-8", "replace")
            for joint, line in zip(joints, lines, strict=True)
        )


def reply(code: int, status: str, text: str) -> Reply:
    return Reply(code, status, (text,))


class Refused(Exception):
    """A command that gets a negative reply."""

    def __init__(self, code: int, status: str, text: str) -> None:
        super().__init__(text)
        self.reply = reply(code, status, text)

    @property
    def is_mistake(self) -> bool:
        """Not a bad address, or what pipelining brings behind a command that was refused."""
        return self.reply.code in (500, 501) and self.reply.status.startswith("5.5.")


def parse_command(line: bytes) -> tuple[str, str]:
    """Verb in upper case and argument, or Refused."""
    verb, _, argument = line.partition(b" ")
    if not verb.isalnum():
        raise Refused(500, "5.5.2", "That is not a command")
    try:
        text = argument.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(501, "5.5.2", "The argument is not UTF-8") from None
    return verb.decode("ascii").upper(), text.strip(" \t")


def parse_chunk(argument: str) -> tuple[int, str]:
    """BDAT's number of octets, which follow whatever else is wrong, and the word behind it."""
    match = re.fullmatch(r"([0-9]{1,20})(?: +(.*))?", argument)
    if match is None:
        raise bad_chunk()
    return int(match[1]), (match[2] or "").upper()


def bad_chunk() -> Refused:
    return Refused(501, "5.5.4", "BDAT wants a number of octets and perhaps LAST")  # 3030 2

"""From bytes to whole commands: lines, literals, and the limits on both.  RFC 9051 2.2.1, 4.3.

A framer is fed whatever the network delivers and asked for the next event; the events are the
same however the bytes were cut.  It is asked, rather than calling back, so that a command that
still runs keeps the next one waiting in the buffer, and so that IDLE and AUTHENTICATE can ask
for a bare line instead of a command (9051 6.3.13, 6.2.2).

A CRLF in the text of a command can only be a literal's mark, because literals are kept apart;
so what is logged of a text never holds a literal either.

Messages are not collected: when ``is_message`` says so, a literal is announced
(:class:`~.events.MessageAnnounced`) and its octets are then handed on piece by piece.

Literals that do not wait are taken at any size that other literals are (RFC 7888, LITERAL+);
LITERAL-'s 4096 octets are a limit for clients to keep, not for us to enforce.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass

from mailhub.imap.wire.dropping import Dropping, TooMuch, announced_literal
from mailhub.imap.wire.events import (
    Abandoned,
    CommandReady,
    CommandRefused,
    ContinuationWanted,
    Event,
    Framed,
    Hopeless,
    Literal,
    MessageAnnounced,
)
from mailhub.imap.wire.lines import LineBuffer

PIECE = 64 * 1024  # of a message literal handed on at once
MAX_LITERALS = 256  # in one command; each costs a look at what came before

_HTTP = re.compile(rb"[A-Z]+ \S+ HTTP/\d")
_TLS_HANDSHAKE = 0x16
_PREFIX = 256  # of an over-long line is kept, so that its tag can be answered


@dataclass(frozen=True, slots=True)
class FramingLimits:
    """In octets.  ``max_skipped`` bounds what is read of one command only to be dropped."""

    max_line: int
    max_literal: int
    max_command: int
    max_skipped: int


class _Mode(enum.IntEnum):  # its hash is not computed in Python
    START = enum.auto()  # between commands
    TEXT = enum.auto()  # in a command's line
    LITERAL = enum.auto()  # collecting a literal
    ANNOUNCED = enum.auto()  # a message literal waits for take or abandon
    MESSAGE = enum.auto()  # handing a message literal on
    DROPPING = enum.auto()  # a command that was refused or abandoned
    HOPELESS = enum.auto()


class Framer:
    """See the module.  ``is_message(command so far)`` says which literals are handed on."""

    __slots__ = (
        "_after_message",
        "_buffer",
        "_dropping",
        "_is_message",
        "_limits",
        "_literal",
        "_literals",
        "_mode",
        "_octets",
        "_outcome",
        "_remaining",
        "_text",
    )

    def __init__(self, limits: FramingLimits, is_message: Callable[[Framed], bool]) -> None:
        self._limits = limits
        self._is_message = is_message
        self._buffer = LineBuffer()
        self._mode = _Mode.START
        self._text = b""
        self._literals: list[bytes] = []
        self._octets = 0  # of the command so far
        self._remaining = 0  # octets of the present literal still to come
        self._literal: Literal | None = None  # announced, neither taken nor abandoned
        self._after_message = False  # in a command that has given us a message already
        self._dropping: Dropping | None = None
        self._outcome: Event = Abandoned()  # told when all is dropped

    @property
    def buffered(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        if self._mode is not _Mode.HOPELESS:
            self._buffer.feed(data)

    def forget(self) -> int:
        """Drop what is buffered (STARTTLS: it came in clear); returns how many octets."""
        dropped = len(self._buffer)
        self._buffer.drop(dropped)
        return dropped

    def next_command(self) -> Event | None:
        """The next event, or None when more octets are needed."""
        while True:
            mode = self._mode
            event = _STEPS[mode](self)
            if event is not None or self._mode is mode:
                return event

    def next_line(self) -> bytes | Hopeless | None:
        """A bare line between commands: DONE, or the answer to a challenge."""
        line = self._buffer.line()
        if self._too_long(line):
            return self._give_up("The line is too long")
        return line

    # --- collecting

    def _at_start(self) -> Event | None:
        # Some clients end a literal with one CRLF too many.
        self._buffer.drop_blank_lines()
        if not self._buffer:
            return None
        if self._buffer.first == _TLS_HANDSHAKE:
            return self._give_up("This port does not begin with TLS")
        self._begin_text()
        self._after_message = False
        return None

    def _begin_text(self) -> None:
        self._mode = _Mode.TEXT
        self._text = b""
        self._literals = []
        self._octets = 0

    def _at_text(self) -> Event | None:
        line = self._buffer.line()
        if self._too_long(line):
            return self._refuse_line(line)
        if line is None:
            return None
        if not self._text and _HTTP.match(line):
            # A browser that was tricked into talking to us must not get to say more.
            return self._give_up("This is not a web server")
        self._text += line
        self._octets += len(line)
        literal = announced_literal(line)
        if self._octets > self._limits.max_command:
            self._refuse("The command is too long", literal)
            return None
        if literal is not None:
            return self._announce(literal)
        self._mode = _Mode.START
        return CommandReady(self._framed())

    def _too_long(self, line: bytes | None) -> bool:
        """Whether the next line, of which None means that its end has not come, is too long."""
        if line is None:
            return len(self._buffer) > self._limits.max_line + 1  # the last may be a CR
        return len(line) > self._limits.max_line

    def _announce(self, literal: Literal) -> Event | None:
        self._text += b"\r\n"
        if self._after_message or self._is_message(self._framed()):
            self._mode = _Mode.ANNOUNCED
            self._literal = literal
            return MessageAnnounced(self._framed(), literal)
        problem = self._problem_with(literal)
        if problem:
            self._refuse(problem, literal)
            return None
        self._mode = _Mode.LITERAL
        self._remaining = literal.octets
        return ContinuationWanted() if literal.waits else None

    def _problem_with(self, literal: Literal) -> str:
        if len(self._literals) >= MAX_LITERALS:
            return "The command has too many literals"
        if literal.octets > self._limits.max_literal:
            return "The literal is too long"
        if self._octets + literal.octets > self._limits.max_command:
            return "The command is too long"
        return ""

    def _at_literal(self) -> Event | None:
        if len(self._buffer) >= self._remaining:
            self._literals.append(self._buffer.take(self._remaining))
            self._octets += self._remaining
            self._mode = _Mode.TEXT
        return None

    def _framed(self) -> Framed:
        return Framed(self._text, tuple(self._literals))

    # --- messages

    def take(self) -> None:
        """Accept the announced message literal; its octets come from :meth:`piece`."""
        assert self._literal is not None
        self._mode = _Mode.MESSAGE
        self._remaining = self._literal.octets
        self._literal = None
        self._end_message_if_read()

    @property
    def remaining(self) -> int:
        """Octets of the message literal still to be read; 0: go on with ``next_command``."""
        return self._remaining if self._mode is _Mode.MESSAGE else 0

    def piece(self) -> bytes:
        """The next octets of the message literal, as many as have come; empty: none yet."""
        data = self._buffer.take(min(self.remaining, PIECE))
        self._remaining -= len(data)
        self._end_message_if_read()
        return data

    def _end_message_if_read(self) -> None:
        if self._mode is _Mode.MESSAGE and not self._remaining:
            # What follows a message is a text of its own: nothing, or SP or ")" and more.
            # A literal in it is another message (RFC 3502).
            self._begin_text()
            self._after_message = True

    # --- dropping

    def abandon(self) -> None:
        """Drop the rest of a command that announced a message; ends with :class:`Abandoned`."""
        literal, self._literal = self._literal, None
        dropping = self._begin_dropping(Abandoned(), literal_octets=self.remaining)
        if literal is not None:
            dropping.behind_mark(literal)

    def _refuse(self, reason: str, literal: Literal | None) -> None:
        refused = CommandRefused(self._framed(), reason)
        self._begin_dropping(refused).behind_mark(literal)

    def _refuse_line(self, line: bytes | None) -> Event | None:
        """*line* None: its end has not come yet."""
        kept = min(_PREFIX, self._limits.max_line)
        start = self._buffer.peek(kept) if line is None else line[:kept]
        refused = CommandRefused(Framed(self._text + start), "The line is too long")
        dropping = self._begin_dropping(refused)
        try:
            if line is not None:
                dropping.behind(line)
        except TooMuch:
            return self._give_up("Too much data")
        return None

    def _begin_dropping(self, outcome: Event, *, literal_octets: int = 0) -> Dropping:
        self._outcome = outcome
        self._mode = _Mode.DROPPING
        self._dropping = Dropping(
            self._buffer, self._limits.max_skipped, literal_octets=literal_octets
        )
        return self._dropping

    def _at_dropping(self) -> Event | None:
        assert self._dropping is not None
        try:
            if not self._dropping.run():
                return None
        except TooMuch:
            return self._give_up("Too much data")
        self._dropping = None
        self._mode = _Mode.START
        return self._outcome

    def _give_up(self, reason: str) -> Hopeless:
        self.forget()
        self._mode = _Mode.HOPELESS
        self._outcome = hopeless = Hopeless(reason)
        return hopeless


_STEPS: dict[_Mode, Callable[[Framer], Event | None]] = {
    _Mode.START: Framer._at_start,
    _Mode.TEXT: Framer._at_text,
    _Mode.LITERAL: Framer._at_literal,
    _Mode.DROPPING: Framer._at_dropping,
    _Mode.HOPELESS: lambda framer: framer._outcome,
}
"""What to do in each mode; an announced message waits for its take or abandon instead."""

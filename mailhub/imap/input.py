"""What the client sends, awaitable: commands, lines, message literals.

Data is taken from the connection while a command is waited for; while one runs, a little is kept
and then the connection is held, so that a client cannot fill our memory by pipelining.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from twisted.internet.defer import Deferred

from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.imap.wire.events import (
    Abandoned,
    CommandReady,
    CommandRefused,
    ContinuationWanted,
    Framed,
    Hopeless,
    Literal,
    MessageAnnounced,
)
from mailhub.imap.wire.framing import Framer

HOLD_OCTETS = 64 * 1024
"""So much may wait in the buffer while a command runs."""


class Unintelligible(Exception):
    """The client's bytes make no sense any more; the text is for a BYE."""


class Input:
    """*hold* and *resume* are the connection's; *answer* sends a continuation request."""

    __slots__ = ("_framer", "_hold", "_resume", "_waiter", "answer")

    def __init__(
        self,
        framer: Framer,
        *,
        hold: Callable[[], None],
        resume: Callable[[], None],
        answer: Callable[[str], None],
    ) -> None:
        self._framer = framer
        self._hold = hold
        self._resume = resume
        self.answer = answer
        self._waiter: Deferred[None] | None = None

    def received(self, data: bytes) -> None:
        self._framer.feed(data)
        if self._waiter is not None:
            self.poke()
        elif self._framer.buffered > HOLD_OCTETS:
            self._hold()

    @property
    def waiting(self) -> bool:
        """Whether somebody waits for more."""
        return self._waiter is not None

    def poke(self) -> None:
        """Let :meth:`wait` return, if somebody waits."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.callback(None)

    async def wait(self) -> None:
        """Return when more has come, or when poked."""
        self._waiter = waiter = Deferred[None](self._forget_waiter)
        self._resume()  # what was held may come at once, and then the waiter has fired
        await waiter

    def _forget_waiter(self, cancelled: Deferred[None]) -> None:
        self._waiter = None

    def forget(self) -> int:
        """Drop what has come and was not read; returns how many octets."""
        return self._framer.forget()

    # --- commands and lines

    async def command(self) -> CommandReady | MessageAnnounced | CommandRefused:
        """The next command, or as much as stands before a message.  Raises Unintelligible."""
        event = await self._event()
        assert not isinstance(event, Abandoned)
        return event

    async def abandoned(self) -> None:
        """Return when the rest of an abandoned command has been dropped."""
        event = await self._event()
        assert isinstance(event, Abandoned)

    async def _event(self) -> CommandReady | MessageAnnounced | CommandRefused | Abandoned:
        while True:
            event = self._framer.next_command()
            if isinstance(event, Hopeless):
                raise Unintelligible(event.reason)
            if isinstance(event, ContinuationWanted):
                self.answer("Ready for the literal")
            elif event is not None:
                return event
            else:
                await self.wait()

    def line_now(self) -> bytes | None:
        """A bare line if a whole one has come.  Raises Unintelligible."""
        line = self._framer.next_line()
        if isinstance(line, Hopeless):
            raise Unintelligible(line.reason)
        return line

    async def line(self) -> bytes:
        while (line := self.line_now()) is None:
            await self.wait()
        return line


class MessageInput:
    """The rest of a command that carries messages, from its first message literal on."""

    def __init__(self, source: Input, framer: Framer, announced: MessageAnnounced) -> None:
        self._source = source
        self._framer = framer
        self.literal: Literal | None = announced.literal
        """The message that comes next; None when the command has ended."""

    async def pieces(self) -> AsyncIterator[bytes]:
        """Let the client send the message; its octets, as they come."""
        assert self.literal is not None
        self._framer.take()
        if self.literal.waits:
            self._source.answer("Ready for the message")
        while self._framer.remaining:
            piece = self._framer.piece()
            if piece:
                yield piece
            else:
                await self._source.wait()

    async def rest(self) -> Framed:
        """What stands behind a message, up to the next one or the end."""
        event = await self._source.command()
        if isinstance(event, MessageAnnounced):
            self.literal = event.literal
            return event.command
        self.literal = None
        if isinstance(event, CommandReady):
            return event.command
        assert isinstance(event, CommandRefused)
        raise SyntaxRefused(event.reason)

    async def abandon(self) -> None:
        """Drop what the client still sends of the command."""
        if self.literal is not None:
            self.literal = None
            self._framer.abandon()
            await self._source.abandoned()

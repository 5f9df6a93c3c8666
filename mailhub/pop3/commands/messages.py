"""The messages of the maildrop: STAT, LIST, UIDL, RETR, TOP, DELE, RSET.  RFC 1939 5 and 7.

Sizes are those of the stored message, and RETR sends exactly that many octets, dot-stuffing and
terminator apart; see :mod:`mailhub.pop3.wire` for messages that are no proper lines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mailhub.model.errors import MessageGone
from mailhub.pop3.commands.general import no_argument
from mailhub.pop3.maildrop import Maildrop
from mailhub.pop3.surrogate import needs_utf8, surrogate
from mailhub.pop3.wire import TERMINATOR, DotStuffer, LineCounter, numbers

if TYPE_CHECKING:
    from mailhub.pop3.session import Session


def maildrop(session: Session) -> Maildrop:
    assert session.maildrop is not None, "the table lets these commands in after log-in only"
    return session.maildrop


async def stat(session: Session, argument: bytes) -> None:
    no_argument(argument)
    drop = maildrop(session)
    session.ok(f"{drop.count} {drop.octets}")


async def list_(session: Session, argument: bytes) -> None:
    drop = maildrop(session)
    await _listing(session, argument, lambda index: b"%d" % drop.size(index))


async def uidl(session: Session, argument: bytes) -> None:
    await _listing(session, argument, maildrop(session).uidl)


async def _listing(session: Session, argument: bytes, line: Callable[[int], bytes]) -> None:
    """One message in the status line, or all in a multi-line response."""
    drop = maildrop(session)
    for number in numbers(argument, 0, 1):
        session.ok(f"{number} {line(drop.index(number)).decode()}")
        return
    session.ok(f"{drop.count} messages ({drop.octets} octets)")
    session.answering = True
    for lines in drop.listing(line):
        session.channel.write(lines)
        await session.channel.ready()
    session.channel.write(TERMINATOR)


async def retr(session: Session, argument: bytes) -> None:
    drop = maildrop(session)
    (number,) = numbers(argument, 1, 1)
    index = drop.index(number)
    piece = await drop.read(index, 0)  # before +OK: the message may be gone
    position, size = len(piece), drop.size(index)
    if not session.utf8 and not before_empty_line(piece).isascii():
        header = await _header(drop, index)
        if needs_utf8(header):
            piece, position = surrogate(header), len(header)
            size += len(piece) - position
    session.ok(f"{size} octets")
    session.answering = True
    stuffer = DotStuffer()
    while piece:
        session.channel.write(stuffer.feed(piece))
        await session.channel.ready()
        piece = await drop.read(index, position)
        position += len(piece)
    session.channel.write(stuffer.finish())
    session.channel.traffic.retrieved(drop.mailbox, (drop.uid(index),))


async def top(session: Session, argument: bytes) -> None:
    drop = maildrop(session)
    number, lines = numbers(argument, 2, 2)
    index = drop.index(number)
    header = await _header(drop, index)
    session.ok("Top of message follows")
    session.answering = True
    stuffer, counter = DotStuffer(), LineCounter(lines)
    downgraded = not session.utf8 and needs_utf8(header)
    session.channel.write(stuffer.feed(surrogate(header) if downgraded else header))
    position = len(header)
    if position == drop.size(index):
        session.channel.write(stuffer.feed(missing_empty_line(header)))
    while not counter.satisfied and (piece := await drop.read(index, position)):
        session.channel.write(stuffer.feed(counter.feed(piece)))
        position += len(piece)
        await session.channel.ready()
    session.channel.write(stuffer.finish())


async def _header(drop: Maildrop, index: int) -> bytes:
    header = await drop.header(index)
    if header is None:
        raise MessageGone
    return header


def before_empty_line(text: bytes) -> bytes:
    """*text* up to its first empty line: at least the header, if that is whole in it.

    Most mail is told apart by it from mail with a header beyond ASCII, without reading that.
    """
    end = text.find(b"\n\r\n")
    if end < 0:
        end = len(text)
    bare = text.find(b"\n\n", 0, end)
    return text[: bare if bare >= 0 else end]


def missing_empty_line(header: bytes) -> bytes:
    """What makes *header* end in an empty line, for which some clients wait (1939 7)."""
    if header in (b"\r\n", b"\n") or header.endswith((b"\n\r\n", b"\n\n")):
        return b""
    return b"\r\n" if header.endswith(b"\n") or not header else b"\r\n\r\n"


async def dele(session: Session, argument: bytes) -> None:
    drop = maildrop(session)
    (number,) = numbers(argument, 1, 1)
    drop.mark(drop.index(number))
    session.ok(f"Message {number} deleted")


async def rset(session: Session, argument: bytes) -> None:
    no_argument(argument)
    drop = maildrop(session)
    drop.unmark_all()
    session.ok(f"{drop.count} messages ({drop.octets} octets)")

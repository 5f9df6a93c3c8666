"""APPEND of one or more messages.  RFC 9051 6.3.12, RFC 3502, RFC 3516 4.4, RFC 7889, RFC 4315.

Messages are staged while they arrive.  What can be known before a message comes is checked
before: a client that waits to send it is spared the upload (RFC 7888 4).

``UTF8 (~{n}`` is taken although UTF8=ACCEPT is not advertised, because Thunderbird sends it
(RFC 6855 4); every message is kept byte for byte, so it makes no difference.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailhub.imap.errors import Done, No
from mailhub.imap.input import MessageInput
from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.imap.wire.events import Framed
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.writer import Code, Raw
from mailhub.interfaces import Incoming, IStaged
from mailhub.model.errors import MessageTooLarge
from mailhub.model.mail import InternalDate
from mailhub.model.names import MailboxName

MAX_MESSAGES = 1_000
"""In one command: they are all in the staging area until the last has come."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before a message's literal."""

    flags: frozenset[str]
    date: InternalDate | None
    utf8: bool


@dataclass(frozen=True, slots=True)
class Append:
    mailbox: MailboxName
    head: Head


def at_message(r: Reader) -> bool:
    """Whether the literal that comes next is a message: the mailbox has been read."""
    try:
        r.sp()
        r.astring_bytes()
    except SyntaxRefused:
        return False
    return True


def parse_append(r: Reader) -> Append:
    r.sp()
    mailbox = r.mailbox()
    r.sp()
    return Append(mailbox, _head(r))


def _head(r: Reader) -> Head:
    flags: frozenset[str] = frozenset()
    date = None
    if r.peek() == b"(":
        flags = r.flag_list()
        r.sp()
    if r.peek() == b'"':
        date = r.date_time()
        r.sp()
    utf8 = r.accept(b"UTF8 (")
    r.announced_literal()
    return Head(flags, date, utf8)


def append_limit(session: Session) -> tuple[str, ...]:
    return (f"APPENDLIMIT={session.max_message}",)


@command(
    "APPEND",
    parse_append,
    state=State.AUTHENTICATED,
    capabilities=("MULTIAPPEND", "UIDPLUS", append_limit),
    trycreate=True,
    is_message=at_message,
)
async def append(session: Session, cmd: Append) -> Done:
    source = session.message
    assert source is not None, "the grammar ends in a message's literal"
    assert source.literal is not None
    if source.literal.waits:
        await session.account.status(cmd.mailbox)  # NoSuchMailbox before it is sent
        await session.account.check_room(cmd.mailbox, source.literal.octets)
    messages: list[Incoming] = []
    try:
        head: Head | None = cmd.head
        while head is not None:
            if len(messages) >= MAX_MESSAGES:
                raise No("Too many messages in one APPEND", "LIMIT")
            staged = await _receive(session, source)
            messages.append(Incoming(staged, head.flags, head.date))
            await session.ready()  # fifteen small ones may have come at once
            head = _next_head(source, await source.rest(), head)
        appended = await session.account.append(cmd.mailbox, messages)
    finally:
        for message in messages:
            message.staged.release()
    selected = session.selected
    if selected is not None and selected.name == cmd.mailbox:
        selected.watch.stale = True  # 9051 6.3.12: EXISTS comes at once
    uids = Raw(str(appended.uids).encode())
    return Done(code=Code("APPENDUID", appended.uidvalidity, uids))


async def _receive(session: Session, source: MessageInput) -> IStaged:
    """The next message, staged.  MessageTooLarge before anything of it is taken."""
    assert source.literal is not None
    octets = source.literal.octets
    if octets > session.max_message:
        raise MessageTooLarge(f"A message may have at most {session.max_message} octets")
    if not octets:  # 3502 6.3.11: how a client changes its mind
        raise No("An empty message; APPEND cancelled")
    staging = session.account.stage(octets)
    try:
        async for piece in source.pieces():
            await staging.write(piece)
        return await staging.finish()
    except BaseException:
        staging.discard()
        raise


def _next_head(source: MessageInput, text: Framed, before: Head) -> Head | None:
    """What follows a message: the next one's head, or None at the end."""
    r = Reader(text)
    if before.utf8:
        r.close()
    if source.literal is None:
        r.end()
        return None
    r.sp()
    while r.accept(b" "):  # imapclient sends two when there are no flags
        pass
    return _head(r)

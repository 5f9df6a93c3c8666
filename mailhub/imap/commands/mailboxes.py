"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE.  RFC 9051 6.3.4 to 6.3.8, RFC 6154 3.

Names are kept in Unicode normalisation form C.  An IMAP4rev2 client that wrote another form is
told by a LIST response with OLDNAME (9051 6.3.9.7).
"""

from __future__ import annotations

from dataclasses import dataclass

from mailhub.imap.commands.list import send_name
from mailhub.imap.errors import No
from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import GivenName, Reader
from mailhub.model.errors import MailboxExists, MailboxGone
from mailhub.model.mail import SpecialUse
from mailhub.model.names import INBOX, MailboxName

_USES = {use.value.lower(): use for use in SpecialUse}


@dataclass(frozen=True, slots=True)
class Create:
    mailbox: GivenName
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    mailbox: GivenName


@dataclass(frozen=True, slots=True)
class Rename:
    old: GivenName
    new: GivenName


@dataclass(frozen=True, slots=True)
class Subscribe:
    mailbox: MailboxName


def parse_create(r: Reader) -> Create:
    r.sp()
    mailbox = r.given_mailbox()
    uses: list[str] = []
    if r.accept(b" ("):
        r.expect(b"USE")
        r.sp()
        uses = r.items(r.attribute, may_be_empty=True)
        r.close()
    r.end()
    return Create(mailbox, tuple(uses))


def parse_delete(r: Reader) -> Delete:
    r.sp()
    mailbox = r.given_mailbox()
    r.end()
    return Delete(mailbox)


def parse_rename(r: Reader) -> Rename:
    r.sp()
    old = r.given_mailbox()
    r.sp()
    new = r.given_mailbox()
    r.end()
    return Rename(old, new)


def parse_subscribe(r: Reader) -> Subscribe:
    r.sp()
    mailbox = r.mailbox()
    r.end()
    return Subscribe(mailbox)


@command("CREATE", parse_create, state=State.AUTHENTICATED, capabilities=("CREATE-SPECIAL-USE",))
async def create(session: Session, cmd: Create) -> None:
    unknown = [use for use in cmd.uses if use.lower() not in _USES]
    if unknown:
        raise No("There is no such special use", "USEATTR")  # 6154 3
    if cmd.mailbox.name == INBOX:
        raise MailboxExists("INBOX exists always")  # 9051 6.3.4
    uses = frozenset(_USES[use.lower()] for use in cmd.uses)
    await session.account.create(cmd.mailbox.name, uses)
    if session.rev2 and cmd.mailbox.normalised:
        send_name(session, cmd.mailbox.name, [], oldname=cmd.mailbox.given)


@command("DELETE", parse_delete, state=State.AUTHENTICATED)
async def delete(session: Session, cmd: Delete) -> None:
    await session.account.delete(cmd.mailbox.name)
    session.connection.event("mailbox.deleted", mailbox=cmd.mailbox.name)
    if session.selected is not None:
        try:
            await session.selected.mailbox.status()
        except MailboxGone:
            session.unselect()  # it was that one, whatever its name was when it was selected
    if session.rev2 and cmd.mailbox.normalised:
        send_name(session, cmd.mailbox.name, ["\\NonExistent"], oldname=cmd.mailbox.given)


@command("RENAME", parse_rename, state=State.AUTHENTICATED)
async def rename(session: Session, cmd: Rename) -> None:
    await session.account.rename(cmd.old.name, cmd.new.name)
    if session.rev2 and (cmd.old.normalised or cmd.new.normalised):  # 9051 6.3.6
        send_name(session, cmd.new.name, [], oldname=cmd.old.given)


@command("SUBSCRIBE", parse_subscribe, state=State.AUTHENTICATED)
async def subscribe(session: Session, cmd: Subscribe) -> None:
    await session.account.subscribe(cmd.mailbox)


@command("UNSUBSCRIBE", parse_subscribe, state=State.AUTHENTICATED)
async def unsubscribe(session: Session, cmd: Subscribe) -> None:
    await session.account.subscribe(cmd.mailbox, subscribed=False)

"""STATUS, also as LIST's return option.  RFC 9051 6.3.11, 5819, 7162 3.1.7, 7889, 8438, 9208.

RECENT is answered in IMAP4rev2 as well: clients ask for it regardless.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.writer import Item, Mailbox
from mailhub.model.mail import MailboxStatus
from mailhub.model.names import MailboxName

ITEMS: dict[str, Callable[[MailboxStatus, Session], int]] = {
    "MESSAGES": lambda status, _: status.exists,
    "RECENT": lambda status, _: status.recent,
    "UIDNEXT": lambda status, _: status.uidnext,
    "UIDVALIDITY": lambda status, _: status.uidvalidity,
    "UNSEEN": lambda status, _: status.unseen,
    "DELETED": lambda status, _: status.deleted,
    "DELETED-STORAGE": lambda status, _: status.deleted_octets,
    "SIZE": lambda status, _: status.octets,
    "HIGHESTMODSEQ": lambda status, _: status.highest_modseq,
    "APPENDLIMIT": lambda _, session: session.max_message,
}


@dataclass(frozen=True, slots=True)
class Status:
    mailbox: MailboxName
    items: tuple[str, ...]


def parse_status(r: Reader) -> Status:
    r.sp()
    mailbox = r.mailbox()
    r.sp()
    items = parse_items(r)
    r.end()
    return Status(mailbox, items)


def parse_items(r: Reader) -> tuple[str, ...]:
    """The items in parentheses, each once."""
    return tuple(dict.fromkeys(r.items(lambda: r.one_of(tuple(ITEMS)))))


@command("STATUS", parse_status, state=State.AUTHENTICATED, capabilities=("STATUS=SIZE",))
async def status(session: Session, cmd: Status) -> None:
    found = await session.account.status(cmd.mailbox)
    send_status(session, found, cmd.items)


def send_status(session: Session, status: MailboxStatus, items: tuple[str, ...]) -> None:
    if "HIGHESTMODSEQ" in items:
        session.enable_condstore()  # 7162 3.1
    values: list[Item] = []
    for item in items:
        values += (item, ITEMS[item](status, session))
    session.untagged("STATUS", Mailbox(status.name), values)

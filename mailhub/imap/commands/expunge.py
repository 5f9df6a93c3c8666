"""EXPUNGE and UID EXPUNGE.  RFC 9051 6.4.3, 6.4.9, RFC 4315 2.1, RFC 7162 3.2.7.

What has gone is told as every change is, before the tagged reply; this includes messages that
other sessions have expunged.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailhub.imap.errors import Done, No
from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.sequence import SequenceSet
from mailhub.imap.wire.writer import Code
from mailhub.model.names import MailboxName
from mailhub.model.numbers import NumberSet


@dataclass(frozen=True, slots=True)
class Expunge:
    """No messages: all that are \\Deleted."""

    messages: SequenceSet | None = None


def parse_expunge(r: Reader) -> Expunge:
    r.end()
    return Expunge()


def parse_uid_expunge(r: Reader) -> Expunge:
    r.sp()
    messages = r.sequence_set()
    r.end()
    return Expunge(messages)


@command("EXPUNGE", parse_expunge, state=State.SELECTED)
@command("UID EXPUNGE", parse_uid_expunge, state=State.SELECTED, capabilities=("UIDPLUS",))
async def expunge(session: Session, cmd: Expunge) -> Done | None:
    selected = session.current
    if selected.read_only:
        raise No("The mailbox is selected read-only")
    uids = None if cmd.messages is None else selected.resolve(cmd.messages, uid=True)
    expunged = await selected.mailbox.expunge(uids)
    report(session, selected.name, expunged)
    selected.watch.stale = True
    return await told_with_modseq(session, expunged)


def report(session: Session, mailbox: MailboxName, expunged: NumberSet) -> None:
    """For the administrator who is asked where the mail has gone."""
    if expunged:
        session.connection.event("mail.expunged", count=len(expunged), mailbox=mailbox)


async def told_with_modseq(session: Session, expunged: NumberSet) -> Done | None:
    """Tell what has gone; a QRESYNC client then learns how far it knows all (7162 3.2.7)."""
    if not session.qresync or not expunged:
        return None
    await session.catch_up(expunge=True)
    return Done(code=Code("HIGHESTMODSEQ", session.current.modseq))

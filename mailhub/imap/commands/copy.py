"""COPY and UID COPY.  RFC 9051 6.4.7, RFC 4315 3 (COPYUID).

All or nothing, flags and dates included; the bytes are not copied.  Messages that another session
has expunged meanwhile are left out, and COPYUID says which ones were copied.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailhub.imap.errors import Done, No
from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.sequence import SequenceSet
from mailhub.imap.wire.writer import Code
from mailhub.model.mail import Copied
from mailhub.model.names import MailboxName


@dataclass(frozen=True, slots=True)
class Copy:
    messages: SequenceSet
    target: MailboxName
    uid: bool = False


def parse_copy(r: Reader) -> Copy:
    return Copy(*parse_set_and_mailbox(r))


def parse_uid_copy(r: Reader) -> Copy:
    return Copy(*parse_set_and_mailbox(r), uid=True)


def parse_set_and_mailbox(r: Reader) -> tuple[SequenceSet, MailboxName]:
    r.sp()
    messages = r.sequence_set()
    r.sp()
    target = r.mailbox()
    r.end()
    return messages, target


@command("COPY", parse_copy, state=State.SELECTED, trycreate=True)
@command("UID COPY", parse_uid_copy, state=State.SELECTED, trycreate=True)
async def copy(session: Session, cmd: Copy) -> Done | None:
    selected = session.current
    uids = selected.resolve(cmd.messages, uid=cmd.uid)
    if not uids:
        return Done("There was nothing to copy")
    copied = await selected.mailbox.copy(uids, cmd.target)
    selected.watch.stale = True  # it may be the target as well
    return Done(code=copyuid(copied, by_uid=cmd.uid))


def copyuid(copied: Copied, *, by_uid: bool) -> Code | None:
    """The COPYUID code, None when no UID named a message.

    Raises No when messages named by number have all been expunged (RFC 2180 4.4.1).
    """
    if copied.source:
        return Code("COPYUID", copied.uidvalidity, str(copied.source), str(copied.target))
    if by_uid:
        return None
    raise No("The messages no longer exist", code="EXPUNGEISSUED")

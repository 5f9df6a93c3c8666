"""MOVE and UID MOVE.  RFC 6851, RFC 9051 6.4.8.

One transaction: each message is in one of the two mailboxes, never in both.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailhub.imap.commands.copy import copyuid, parse_set_and_mailbox
from mailhub.imap.commands.expunge import told_with_modseq
from mailhub.imap.errors import Done, No
from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.sequence import SequenceSet
from mailhub.imap.wire.writer import Text
from mailhub.model.names import MailboxName


@dataclass(frozen=True, slots=True)
class Move:
    messages: SequenceSet
    target: MailboxName
    uid: bool = False


def parse_move(r: Reader) -> Move:
    return Move(*parse_set_and_mailbox(r))


def parse_uid_move(r: Reader) -> Move:
    return Move(*parse_set_and_mailbox(r), uid=True)


@command("MOVE", parse_move, state=State.SELECTED, capabilities=("MOVE",), trycreate=True)
@command("UID MOVE", parse_uid_move, state=State.SELECTED, trycreate=True)
async def move(session: Session, cmd: Move) -> Done | None:
    selected = session.current
    if selected.read_only:
        raise No("The mailbox is selected read-only")
    uids = selected.resolve(cmd.messages, uid=cmd.uid)
    if not uids:
        return Done("There was nothing to move")
    moved = await selected.mailbox.move(uids, cmd.target)
    selected.watch.stale = True
    code = copyuid(moved, by_uid=cmd.uid)
    if code is not None:
        # 9051 6.4.8: before the EXPUNGEs, so that a client can follow each message.
        session.untagged("OK", code, Text("Moved"))
    return await told_with_modseq(session, moved.source)

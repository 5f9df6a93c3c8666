"""SELECT, EXAMINE, CLOSE and UNSELECT.  RFC 9051 6.3.2, 6.3.3, 6.4.1, 6.4.2; RFC 7162 3.1.8, 3.2.5.

HIGHESTMODSEQ is told at every SELECT: Thunderbird takes it from there and asks for nothing
(7162 3.1.2.1 wants it in any case).
"""

from __future__ import annotations

from dataclasses import dataclass

from mailhub.imap import updates
from mailhub.imap.commands.expunge import report
from mailhub.imap.commands.list import send_name
from mailhub.imap.errors import Done
from mailhub.imap.listing import attributes
from mailhub.imap.registry import command, nothing
from mailhub.imap.resync import Known, parse_known, require_qresync, tell_missed
from mailhub.imap.selected import Selected
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import GivenName, Reader
from mailhub.imap.wire.writer import Code
from mailhub.model.errors import MailboxGone, Unavailable
from mailhub.model.mail import MailboxStatus
from mailhub.model.numbers import NumberSet


@dataclass(frozen=True, slots=True)
class Select:
    mailbox: GivenName
    condstore: bool = False
    known: Known | None = None


def parse_select(r: Reader) -> Select:
    r.sp()
    mailbox = r.given_mailbox()
    parameters: dict[str, Known | None] = {}
    if r.more():
        parameters = dict(r.items(lambda: _parse_parameter(r)))
    r.end()
    return Select(mailbox, bool(parameters), parameters.get("QRESYNC"))


def _parse_parameter(r: Reader) -> tuple[str, Known | None]:
    name = r.one_of(("CONDSTORE", "QRESYNC"))
    if name == "CONDSTORE":
        return name, None
    r.sp()
    return name, parse_known(r)


@command("SELECT", parse_select, state=State.AUTHENTICATED, capabilities=("QRESYNC",))
async def select(session: Session, cmd: Select) -> Done:
    read_only = session.account.read_only
    await _open(session, cmd, read_only=read_only)
    return Done("SELECT completed", Code("READ-ONLY" if read_only else "READ-WRITE"))


@command("EXAMINE", parse_select, state=State.AUTHENTICATED)
async def examine(session: Session, cmd: Select) -> Done:
    await _open(session, cmd, read_only=True)
    return Done("EXAMINE completed", Code("READ-ONLY"))


async def _open(session: Session, cmd: Select, *, read_only: bool) -> None:
    if cmd.known is not None:
        require_qresync(session)
    if session.selected is not None:  # closed even if the new one cannot be opened
        session.unselect()
        session.lines(CLOSED)
    selected = await Selected.open(
        session.account, cmd.mailbox.name, read_only=read_only, changed=session.mailbox_changed
    )
    if cmd.condstore:
        session.enable_condstore()
    session.select(selected)
    try:
        await _tell(session, selected, cmd)
        if cmd.known is not None:
            await tell_missed(session, cmd.known)
    except BaseException:
        session.unselect()
        raise


# Rendered already: SELECT is the command that is given most often.  Some clients cannot read a code
# without text behind it.
CLOSED = b"* OK [CLOSED] The previous mailbox is closed\r\n"
UNSEEN = b"* OK [UNSEEN %d] First unseen message\r\n"
NUMBERS = (
    b"* OK [UIDVALIDITY %d] UIDs are valid\r\n"
    b"* OK [UIDNEXT %d] Predicted next UID\r\n"
    b"* OK [HIGHESTMODSEQ %d] Highest modseq\r\n"
)


async def _tell(session: Session, selected: Selected, cmd: Select) -> None:
    status = selected.mailbox.opened
    session.lines(
        updates.flags_lines(selected.keywords, selected.read_only)
        + updates.EXISTS % status.exists
        + (b"" if session.rev2 else await _rev1_lines(selected, status))
        + NUMBERS % (status.uidvalidity, status.uidnext, status.highest_modseq)
    )
    if session.rev2:
        await _tell_name(session, status, cmd.mailbox)


async def _rev1_lines(selected: Selected, status: MailboxStatus) -> bytes:
    """RECENT and UNSEEN, which IMAP4rev2 has not (3501 6.3.1, 9051 E)."""
    if status.recent:
        await _claim_recent(selected, status)
    recent = updates.RECENT % selected.recent_count
    if status.first_unseen is None:
        return recent
    number = 1
    if status.unseen < status.exists:
        await selected.load()
        number = selected.view.seq(status.first_unseen)
    return recent + UNSEEN % number


async def _claim_recent(selected: Selected, status: MailboxStatus) -> None:
    if not selected.read_only:
        try:
            first = await selected.mailbox.claim_recent()
        except Unavailable:
            return  # a full disk must not keep anyone from deleting mail
        if first < status.uidnext:
            selected.recent = NumberSet(((first, status.uidnext - 1),))
            selected.recent_count = status.recent
        return
    await selected.load()
    await updates.claim_recent(
        selected, NumberSet.of_sorted(selected.view.uids[len(selected.view) - status.recent :])
    )


async def _tell_name(session: Session, status: MailboxStatus, given: GivenName) -> None:
    """The LIST response of 9051 6.3.2."""
    for entry in await session.account.mailboxes():
        if entry.name == status.name:
            shown = attributes(entry, missing="\\NonExistent", subscribed=True)
            oldname = given.given if given.normalised else ""
            send_name(session, entry.name, shown, oldname=oldname)


@command("CLOSE", nothing, state=State.SELECTED)
async def close(session: Session, _: None) -> None:  # 9051 6.4.1
    selected = session.current
    session.unselect()
    if not selected.read_only:
        try:
            report(session, selected.name, await selected.mailbox.expunge())
        except MailboxGone:
            return  # then there is nothing left to expunge


@command("UNSELECT", nothing, state=State.SELECTED, capabilities=("UNSELECT",))
async def unselect(session: Session, _: None) -> None:  # 9051 6.4.2
    session.unselect()

"""LIST, plain and extended.  RFC 9051 6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 3348.

REMOTE is accepted and has no effect, since no mailbox is remote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailhub.imap.commands import status
from mailhub.imap.listing import (
    BASE_OPTIONS,
    SUBSCRIBED,
    Listed,
    Selection,
    attributes,
    listed,
)
from mailhub.imap.patterns import Pattern
from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.writer import Item, Mailbox, Quoted
from mailhub.model.errors import NoSuchMailbox
from mailhub.model.mail import MailboxStatus
from mailhub.model.names import SEPARATOR, MailboxName

CAPABILITIES = ("CHILDREN", "LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE")
RECURSIVEMATCH, REMOTE = "RECURSIVEMATCH", "REMOTE"
CHILDREN, STATUS = "CHILDREN", "STATUS"
MAX_PATTERNS = 100
SLICE = 500  # names between two looks at the clock


@dataclass(frozen=True, slots=True)
class List:
    """``root``: only the separator is asked for.  ``status``: items for each mailbox."""

    selection: Selection
    extended: bool = False
    root: bool = False
    subscribed: bool = False
    status: tuple[str, ...] = ()


def parse_list(r: Reader) -> List:
    r.sp()
    options: frozenset[str] = frozenset()
    extended = r.peek() == b"("
    if extended:
        options = _selection_options(r)
        r.sp()
    reference = r.reference()
    r.sp()
    if r.peek() == b"(":
        extended = True
        arguments = r.items(r.list_mailbox)
        if len(arguments) > MAX_PATTERNS:
            raise r.refused("Too many patterns")
    else:
        arguments = [r.list_mailbox()]
    returned: dict[str, tuple[str, ...]] = {}
    if r.more():
        extended = True
        returned = _return_options(r)
    r.end()
    select = options & frozenset(BASE_OPTIONS)
    return List(
        Selection(_patterns(reference, arguments), select, RECURSIVEMATCH in options),
        extended,
        root=not extended and arguments == [""],
        subscribed=SUBSCRIBED in select or SUBSCRIBED in returned,
        status=returned.get(STATUS, ()),
    )


def _patterns(reference: str, arguments: list[str]) -> tuple[Pattern, ...]:
    # An empty argument means nothing here: 9051 6.3.9.
    return tuple(Pattern(reference + argument) for argument in arguments if argument)


def _selection_options(r: Reader) -> frozenset[str]:
    known = (*BASE_OPTIONS, REMOTE, RECURSIVEMATCH)
    options = frozenset(r.items(lambda: r.one_of(known), may_be_empty=True))
    if RECURSIVEMATCH in options and not options & frozenset(BASE_OPTIONS):  # 9051 6.3.9.1
        raise r.refused("RECURSIVEMATCH needs another option")
    return options


def _return_options(r: Reader) -> dict[str, tuple[str, ...]]:
    r.expect(b"RETURN")
    r.sp()
    return dict(r.items(lambda: _return_option(r), may_be_empty=True))


def _return_option(r: Reader) -> tuple[str, tuple[str, ...]]:
    option = r.one_of((*BASE_OPTIONS, CHILDREN, STATUS))
    if option != STATUS:
        return option, ()
    r.sp()
    return option, status.parse_items(r)


@command("LIST", parse_list, state=State.AUTHENTICATED, capabilities=CAPABILITIES)
async def list_mailboxes(session: Session, cmd: List) -> None:
    if cmd.root:
        session.untagged("LIST", ["\\Noselect"], Quoted(SEPARATOR), Quoted(""))
        return
    names = await session.account.mailboxes()
    for count, found in enumerate(listed(names, cmd.selection)):
        await _answer(session, cmd, found)
        if count % SLICE == 0:
            await session.ready()


async def _answer(session: Session, cmd: List, found: Listed) -> None:
    entry = found.entry
    # 3501 knows no \NonExistent, and who writes the extended syntax knows it (5258 3).
    missing = "\\NonExistent" if cmd.extended or session.rev2 else "\\Noselect"
    shown = attributes(entry, missing=missing, subscribed=cmd.subscribed)
    of_mailbox: MailboxStatus | None = None
    if cmd.status and found.chosen and entry.id is not None:
        try:
            of_mailbox = await session.account.status(entry.name)
        except NoSuchMailbox:  # deleted meanwhile: 9051 6.3.9.2
            shown.insert(0, "\\Noselect")
    send_name(session, entry.name, shown, childinfo=found.childinfo)
    if of_mailbox is not None:
        status.send_status(session, of_mailbox, cmd.status)


def send_name(
    session: Session,
    name: MailboxName,
    shown: Sequence[str],
    *,
    childinfo: tuple[str, ...] = (),
    oldname: str = "",
) -> None:
    """A LIST response; CHILDINFO and OLDNAME are extended data (9051 6.3.9.6, 6.3.9.7)."""
    extended: list[Item] = []
    if childinfo:
        extended += (Quoted("CHILDINFO"), [Quoted(option) for option in childinfo])
    if oldname:
        extended += (Quoted("OLDNAME"), [Mailbox(oldname)])
    rest: list[Item] = [extended] if extended else []
    session.untagged("LIST", list(shown), Quoted(SEPARATOR), Mailbox(name), *rest)

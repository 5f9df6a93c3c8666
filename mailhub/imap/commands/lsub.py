"""LSUB and XLIST: what older clients ask instead of LIST.  RFC 3501 6.3.9.

XLIST is Google's forerunner of SPECIAL-USE, still sent by old Outlook and Apple versions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailhub.imap.listing import Selection, attributes, listed
from mailhub.imap.patterns import Pattern
from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.writer import Mailbox, Quoted
from mailhub.model.mail import MailboxEntry, SpecialUse
from mailhub.model.names import INBOX, SEPARATOR, MailboxName, parents

_XLIST_NAMES = {
    SpecialUse.ALL.value: "\\AllMail",
    SpecialUse.FLAGGED.value: "\\Starred",
    SpecialUse.JUNK.value: "\\Spam",
}
"""Where XLIST's attribute differs from SPECIAL-USE's."""


@dataclass(frozen=True, slots=True)
class Names:
    """``root``: only the separator is asked for."""

    pattern: Pattern
    root: bool


def parse_names(r: Reader) -> Names:
    r.sp()
    reference = r.reference()
    r.sp()
    argument = r.list_mailbox()
    r.end()
    return Names(Pattern(reference + argument), root=not argument)


@command("LSUB", parse_names, state=State.AUTHENTICATED)
async def lsub(session: Session, cmd: Names) -> None:
    if cmd.root:
        _send(session, "LSUB", MailboxName(""), ["\\Noselect"])
        return
    for name, shown in subscribed(await session.account.mailboxes(), cmd.pattern):
        _send(session, "LSUB", name, shown)


def subscribed(
    names: Sequence[MailboxEntry], pattern: Pattern
) -> Iterator[tuple[MailboxName, list[str]]]:
    """LSUB's answer: with ``%``, a parent stands \\Noselect for subscribed names below it."""
    active = {entry.name: entry for entry in names if entry.subscribed}
    found = set(active)
    if pattern.ends_with_level:
        found.update(parent for name in active for parent in parents(name))
    for name in sorted(found):
        if pattern.matches(name):
            entry = active.get(name)
            if entry is None:
                yield name, ["\\Noselect"]
            else:
                yield name, attributes(entry, missing="\\Noselect", subscribed=False)


@command("XLIST", parse_names, state=State.AUTHENTICATED, capabilities=("XLIST",))
async def xlist(session: Session, cmd: Names) -> None:
    if cmd.root:
        _send(session, "XLIST", MailboxName(""), ["\\Noselect"])
        return
    names = await session.account.mailboxes()
    for found in listed(names, Selection((cmd.pattern,))):
        shown = attributes(found.entry, missing="\\Noselect", subscribed=False)
        shown = [_XLIST_NAMES.get(attribute, attribute) for attribute in shown]
        if found.entry.name == INBOX:
            shown.append("\\Inbox")
        _send(session, "XLIST", found.entry.name, shown)


def _send(session: Session, response: str, name: MailboxName, shown: list[str]) -> None:
    session.untagged(response, shown, Quoted(SEPARATOR), Mailbox(name))

"""Whether there is room for more: asked in the transaction that files it, and before.

Taking away and moving within an account never ask.  Old clients move to the trash by COPY and
\\Deleted, so copies into it are let in when the account is full, as long as the trash does not
become larger than everything outside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import apsw

from mailhub.model.errors import MessageTooLarge, NoSuchMailbox, OverQuota
from mailhub.model.mail import MailboxId, SpecialUse, Usage
from mailhub.model.names import MailboxName
from mailhub.model.quota import FolderRule, Quota
from mailhub.store.sqlite.boxes import Box
from mailhub.store.sqlite.connection import row, rows
from mailhub.store.sqlite.transaction import Tx

TRASH = FolderRule(SpecialUse.TRASH.value)
TRASH_NAMES = ("trash", "deleted items", "deleted messages")
"""Of folders that clients made without saying what they are for."""


@dataclass(frozen=True, slots=True)
class Folder:
    id: MailboxId
    name: MailboxName
    special_use: frozenset[SpecialUse]
    usage: Usage

    @property
    def is_trash(self) -> bool:
        if TRASH.applies(self.name, self.special_use):
            return True
        return not self.special_use and self.name.casefold() in TRASH_NAMES

    def rule(self, quota: Quota) -> FolderRule | None:
        """The first that applies."""
        found = (r for r in quota.folders if r.applies(self.name, self.special_use))
        return next(found, None)


_FOLDERS = "SELECT id, name, special_use, octets, message_count FROM mailbox"


def folders(db: apsw.Connection, where: str = "", *bindings: int | str) -> list[Folder]:
    found = rows(db, f"{_FOLDERS} {where}", bindings)
    return [
        Folder(
            MailboxId(mailbox),
            MailboxName(name),
            frozenset(map(SpecialUse, uses.split())),
            Usage(octets, messages),
        )
        for mailbox, name, uses, octets, messages in found
    ]


# --- inside the transaction ---------------------------------------------------------------


def admit(tx: Tx, box: Box, octets: Sequence[int]) -> None:
    """Room for new messages of so many *octets*?  Raises OverQuota, MessageTooLarge."""
    quota = tx.terms.quota
    if quota.limits_mail:
        _check_size(quota, max(octets, default=0))
        added = Usage(sum(octets), len(octets))
        _check(tx.db, quota, _folder(tx.db, box), tx.usage, added)
    if tx.terms.claim is not None:
        tx.terms.claim.take(sum(octets), len(octets))


def admit_copies(tx: Tx, there: Box, octets: int, messages: int) -> None:
    """Room for copies of what the account has already?  Raises OverQuota."""
    quota = tx.terms.quota
    if quota.limits_mail:
        folder, added = _folder(tx.db, there), Usage(octets, messages)
        if not (folder.is_trash and _fits_trash(folder.usage, tx.usage, added)):
            _check(tx.db, quota, folder, tx.usage, added)
    if tx.terms.claim is not None:
        tx.terms.claim.take(octets, messages)


def _folder(db: apsw.Connection, box: Box) -> Folder:
    return folders(db, "WHERE id = ?", box.id)[0]


def _fits_trash(trash: Usage, whole: Usage, added: Usage) -> bool:
    return (
        2 * trash.octets + added.octets <= whole.octets
        and 2 * trash.messages + added.messages <= whole.messages
    )


# --- before it ----------------------------------------------------------------------------


def check_room(
    db: apsw.Connection, quota: Quota, name: MailboxName, octets: int, messages: int
) -> None:
    """What admit would say now.  Raises NoSuchMailbox, OverQuota, MessageTooLarge."""
    found = folders(db, "WHERE name = ?", name)
    if not found:
        raise NoSuchMailbox
    if quota.limits_mail:
        _check_size(quota, octets)
        _check(db, quota, found[0], stored_usage(db), Usage(octets, messages))


def stored_usage(db: apsw.Connection) -> Usage:
    found = row(db, "SELECT octets, messages FROM account")
    assert found is not None
    return Usage(*found)


# --- the rules ----------------------------------------------------------------------------


def _check_size(quota: Quota, octets: int) -> None:
    if quota.message_octets and octets > quota.message_octets:
        raise MessageTooLarge(f"A message may have at most {quota.message_octets} octets")


def _check(db: apsw.Connection, quota: Quota, folder: Folder, whole: Usage, added: Usage) -> None:
    most = quota.mailbox_messages
    if most and folder.usage.messages + added.messages > most:
        raise OverQuota(f"{folder.name} may hold at most {most} messages")
    rule = folder.rule(quota)
    if rule is not None and rule.ignore:
        return
    used = counted(db, quota, whole)
    extra = 100 + (rule.extra_percent if rule is not None else 0)
    if quota.octets and not _fits(used.octets, added.octets, quota.octets * extra // 100, quota):
        raise OverQuota(f"You use {used.octets} of {quota.octets} octets")
    if quota.messages and used.messages + added.messages > quota.messages * extra // 100:
        raise OverQuota(f"You keep {used.messages} of {quota.messages} messages")


def _fits(used: int, added: int, limit: int, quota: Quota) -> bool:
    if used + added <= limit:
        return True
    return bool(quota.grace) and used < limit and used + added <= limit + quota.grace


def counted(db: apsw.Connection, quota: Quota, whole: Usage) -> Usage:
    """What counts of an account's usage: all but the ignored folders."""
    if not any(rule.ignore for rule in quota.folders):
        return whole
    octets, messages = whole.octets, whole.messages
    for folder in folders(db):
        rule = folder.rule(quota)
        if rule is not None and rule.ignore:
            octets -= folder.usage.octets
            messages -= folder.usage.messages
    return Usage(octets, messages)

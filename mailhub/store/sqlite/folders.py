"""The list of mailboxes: CREATE, DELETE, RENAME, SUBSCRIBE, LIST."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from mailhub.model.errors import CannotDo, LimitReached, MailboxExists, NoSuchMailbox, OverQuota
from mailhub.model.mail import MailboxEntry, MailboxId, MailboxStatus, SpecialUse
from mailhub.model.names import INBOX, MailboxName, is_below, parents
from mailhub.model.numbers import EVERYTHING
from mailhub.store.sqlite import boxes, moving
from mailhub.store.sqlite.connection import row, snapshot, value
from mailhub.store.sqlite.housekeeping import forget_mailbox
from mailhub.store.sqlite.transaction import Tx


def entries(db: apsw.Connection) -> list[MailboxEntry]:
    """Every name that exists, is subscribed or is above one that exists, sorted."""
    with snapshot(db):
        # No name contains a control character, so line feeds keep them apart.
        packed = row(
            db,
            "SELECT group_concat(id, ' '), group_concat(name, char(10)),"
            " group_concat(special_use, char(10)) FROM mailbox",
        )
        subscriptions = value(db, "SELECT group_concat(name, char(10)) FROM subscription")
    assert packed is not None
    ids, names, uses = packed
    existing = dict(
        zip(names.split("\n"), zip(ids.split(), uses.split("\n"), strict=True), strict=True)
    )
    subscribed = frozenset((subscriptions or "").split("\n")) - {""}
    above = {parent for name in existing for parent in parents(MailboxName(name))}
    return [
        _entry(MailboxName(name), existing.get(name), name in subscribed, name in above)
        for name in sorted(existing.keys() | subscribed | above)
    ]


def _entry(
    name: MailboxName, found: tuple[str, str] | None, subscribed: bool, has_children: bool
) -> MailboxEntry:
    if found is None:
        return MailboxEntry(name, None, subscribed, has_children=has_children)
    mailbox, uses = found
    special_use = frozenset(map(SpecialUse, uses.split()))
    return MailboxEntry(name, MailboxId(int(mailbox)), subscribed, special_use, has_children)


def create(
    tx: Tx, name: MailboxName, special_use: frozenset[SpecialUse], max_mailboxes: int
) -> MailboxStatus:
    """Raises MailboxExists, LimitReached, OverQuota."""
    if _exists(tx, name):
        raise MailboxExists
    _add_parents(tx, name, max_mailboxes)
    _add(tx, name, special_use, max_mailboxes)
    tx.touched.append(None)
    return boxes.status_of_name(tx.db, name)


def _exists(tx: Tx, name: MailboxName) -> bool:
    return tx.value("SELECT 1 FROM mailbox WHERE name = ?", (name,)) is not None


def _add_parents(tx: Tx, name: MailboxName, max_mailboxes: int) -> None:
    for parent in parents(name):
        if not _exists(tx, parent):
            _add(tx, parent, frozenset(), max_mailboxes)


def _add(tx: Tx, name: MailboxName, special_use: frozenset[SpecialUse], max_mailboxes: int) -> None:
    present = tx.value("SELECT count(*) FROM mailbox")
    if present >= max_mailboxes:
        raise LimitReached(f"An account can have at most {max_mailboxes} mailboxes")
    allowed = tx.terms.quota.mailboxes
    if allowed and present >= allowed:
        raise OverQuota(f"You may have at most {allowed} mailboxes")
    tx.execute(
        "INSERT INTO mailbox (name, uidvalidity, highest_modseq, special_use) VALUES (?, ?, ?, ?)",
        (
            name,
            tx.next_uidvalidity(),
            tx.next_modseq(),
            " ".join(sorted(use.value for use in special_use)),
        ),
    )


def delete(tx: Tx, name: MailboxName) -> None:
    """Raises NoSuchMailbox, CannotDo."""
    if name == INBOX:
        raise CannotDo("INBOX cannot be deleted")
    box = boxes.find(tx, name)
    moving.remove_all(tx, box)
    forget_mailbox(tx, box.id)
    tx.execute("DELETE FROM mailbox WHERE id = ?", (box.id,))
    tx.touched += [box.id, None]


def rename(tx: Tx, old: MailboxName, new: MailboxName, max_mailboxes: int) -> None:
    """Raises NoSuchMailbox, MailboxExists, CannotDo, LimitReached, OverQuota."""
    if _exists(tx, new):
        raise MailboxExists
    if old == INBOX:
        _rename_inbox(tx, new, max_mailboxes)
        return
    if is_below(new, old):
        raise CannotDo("A mailbox cannot be moved below itself")
    names: list[MailboxName] = [name for (name,) in tx.rows("SELECT name FROM mailbox")]
    targets = {
        name: MailboxName(new + name[len(old) :])
        for name in names
        if name == old or is_below(name, old)
    }
    if not targets:
        raise NoSuchMailbox
    if not set(names).isdisjoint(targets.values()):
        raise MailboxExists
    for name, target in targets.items():
        tx.execute("UPDATE mailbox SET name = ? WHERE name = ?", (target, name))
    _add_parents(tx, new, max_mailboxes)
    _move_subscriptions(tx, old, new)
    tx.touched.append(None)


def _move_subscriptions(tx: Tx, old: MailboxName, new: MailboxName) -> None:
    for (name,) in tx.rows("SELECT name FROM subscription"):
        if name == old or is_below(name, old):
            target = new + name[len(old) :]
            tx.execute("DELETE FROM subscription WHERE name = ?", (name,))
            tx.execute("INSERT OR IGNORE INTO subscription VALUES (?)", (target,))


def _rename_inbox(tx: Tx, new: MailboxName, max_mailboxes: int) -> None:
    """9051 6.3.6: the messages go, INBOX and what is below it stay."""
    create(tx, new, frozenset(), max_mailboxes)
    moving.move(tx, boxes.find(tx, INBOX).id, EVERYTHING, new)


def subscribe(tx: Tx, name: MailboxName, subscribed: bool) -> None:
    if subscribed:
        tx.execute("INSERT OR IGNORE INTO subscription VALUES (?)", (name,))
    else:
        tx.execute("DELETE FROM subscription WHERE name = ?", (name,))
    tx.touched.append(None)


def furnish(tx: Tx, wanted: Sequence[tuple[MailboxName, SpecialUse]], max_mailboxes: int) -> None:
    """What is missing of *wanted*, as far as limits allow, and subscriptions of that and INBOX."""
    uses = {
        use for (packed,) in tx.rows("SELECT special_use FROM mailbox") for use in packed.split()
    }
    subscribe(tx, INBOX, True)
    for name, use in wanted:
        if use.value in uses or _exists(tx, name):
            continue
        try:
            create(tx, name, frozenset({use}), max_mailboxes)
        except (LimitReached, OverQuota):
            return
        subscribe(tx, name, True)


def claim_recent(tx: Tx, mailbox: MailboxId) -> int:
    """The first UID that nobody has been told of as \\Recent; afterwards everybody has."""
    box = boxes.get(tx, mailbox)
    if box.recent_from < box.uidnext:
        tx.execute("UPDATE mailbox SET recent = 0, recent_from = uidnext WHERE id = ?", (mailbox,))
    return box.recent_from

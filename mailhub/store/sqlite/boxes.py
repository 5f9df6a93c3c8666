"""Rows of the mailbox table: finding them, and keeping their counters.

The counters change in the transaction that changes the messages, so SELECT and STATUS cost the
same whatever the size of the mailbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import apsw

from mailhub.model.errors import LimitReached, MailboxGone, NoSuchMailbox
from mailhub.model.mail import MailboxId, MailboxStatus, SpecialUse
from mailhub.model.names import MailboxName
from mailhub.model.numbers import MAX_UID, ModSeq, Uid
from mailhub.store.sqlite.connection import Row, row
from mailhub.store.sqlite.transaction import Tx


@dataclass(slots=True)
class Box:
    """A mailbox inside a transaction that is about to change it."""

    id: MailboxId
    name: MailboxName
    uidvalidity: int
    uidnext: int
    keywords: tuple[str, ...]
    recent_from: int

    def take_uids(self, count: int) -> range:
        """The next *count* UIDs.  :func:`count_added` stores that they are taken."""
        first, self.uidnext = self.uidnext, self.uidnext + count
        if self.uidnext > MAX_UID:
            raise LimitReached("The mailbox has used all its message numbers")
        return range(first, self.uidnext)


_BOX = "SELECT id, name, uidvalidity, uidnext, keywords, recent_from FROM mailbox WHERE"


def find(tx: Tx, name: MailboxName) -> Box:
    """Raises NoSuchMailbox."""
    found = tx.row(f"{_BOX} name = ?", (name,))
    if found is None:
        raise NoSuchMailbox
    return _box(found)


def get(tx: Tx, mailbox: MailboxId) -> Box:
    """Raises MailboxGone."""
    found = tx.row(f"{_BOX} id = ?", (mailbox,))
    if found is None:
        raise MailboxGone
    return _box(found)


def _box(found: Row) -> Box:
    box, name, uidvalidity, uidnext, keywords, recent_from = found
    return Box(box, name, uidvalidity, uidnext, split_keywords(keywords), recent_from)


@lru_cache(256)
def split_keywords(text: str) -> tuple[str, ...]:
    return tuple(text.split(" ")) if text else ()


# --- status -------------------------------------------------------------------------------

_STATUS = (
    "SELECT id, name, (SELECT tag FROM account), uidvalidity, uidnext, highest_modseq,"
    " message_count, unseen, deleted, octets, deleted_octets, recent, keywords, first_unseen,"
    " special_use FROM mailbox WHERE"
)


def status_of_name(db: apsw.Connection, name: MailboxName) -> MailboxStatus:
    """Raises NoSuchMailbox."""
    found = row(db, f"{_STATUS} name = ?", (name,))
    if found is None:
        raise NoSuchMailbox
    return _status(found)


def status(db: apsw.Connection, mailbox: MailboxId) -> MailboxStatus:
    """Raises MailboxGone."""
    found = row(db, f"{_STATUS} id = ?", (mailbox,))
    if found is None:
        raise MailboxGone
    return _status(found)


def _status(found: Row) -> MailboxStatus:
    mailbox, name, tag, uidvalidity, uidnext, modseq, exists, unseen, deleted = found[:9]
    octets, deleted_octets, recent, keywords, first_unseen, special_use = found[9:]
    return MailboxStatus(
        id=mailbox,
        name=name,
        object_id=f"F{tag}{mailbox:x}",
        uidvalidity=uidvalidity,
        uidnext=uidnext,
        highest_modseq=modseq,
        exists=exists,
        unseen=unseen,
        deleted=deleted,
        octets=octets,
        deleted_octets=deleted_octets,
        recent=recent,
        keywords=split_keywords(keywords),
        first_unseen=first_unseen,
        special_use=_special_use(special_use),
    )


@lru_cache(64)
def _special_use(text: str) -> frozenset[SpecialUse]:
    return frozenset(map(SpecialUse, text.split()))


# --- counters -----------------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """What some messages contribute to the counters of their mailbox."""

    count: int = 0
    unseen: int = 0
    deleted: int = 0
    octets: int = 0
    deleted_octets: int = 0


TALLY = (
    "count(*), coalesce(sum(flags & 1 = 0), 0), coalesce(sum(flags & 8 <> 0), 0),"
    " coalesce(sum(size), 0), coalesce(sum(size * (flags & 8 <> 0)), 0)"
)
"""The columns of a Tally over some messages."""


def count_added(
    tx: Tx, box: Box, added: Tally, modseq: ModSeq, first_unseen: Uid | int | None
) -> None:
    """Messages came, the first unseen of them with the UID *first_unseen*.

    Charging them is the caller's: a move within the account costs nothing.
    """
    tx.execute(
        "UPDATE mailbox SET uidnext = ?, highest_modseq = ?, message_count = message_count + ?,"
        " unseen = unseen + ?, deleted = deleted + ?, octets = octets + ?,"
        " deleted_octets = deleted_octets + ?, recent = recent + ?,"
        " first_unseen = coalesce(first_unseen, ?) WHERE id = ?",
        (
            box.uidnext,
            modseq,
            added.count,
            added.unseen,
            added.deleted,
            added.octets,
            added.deleted_octets,
            added.count,
            first_unseen,
            box.id,
        ),
    )
    tx.touched.append(box.id)


def count_removed(tx: Tx, box: Box, removed: Tally, recent: int, modseq: ModSeq) -> None:
    """Messages went, *recent* of them not yet claimed as such; see count_added for the charge."""
    tx.execute(
        "UPDATE mailbox SET highest_modseq = ?, message_count = message_count - ?,"
        " unseen = unseen - ?, deleted = deleted - ?, octets = octets - ?,"
        " deleted_octets = deleted_octets - ?, recent = recent - ? WHERE id = ?",
        (
            modseq,
            removed.count,
            removed.unseen,
            removed.deleted,
            removed.octets,
            removed.deleted_octets,
            recent,
            box.id,
        ),
    )
    if removed.unseen:
        find_first_unseen(tx, box.id, MAX_UID)
    tx.touched.append(box.id)


def count_flagged(tx: Tx, box: Box, change: Tally, modseq: ModSeq, lowest: int) -> None:
    """Flags changed; *change* holds differences, *lowest* is the lowest UID concerned."""
    tx.execute(
        "UPDATE mailbox SET highest_modseq = ?, unseen = unseen + ?, deleted = deleted + ?,"
        " deleted_octets = deleted_octets + ? WHERE id = ?",
        (modseq, change.unseen, change.deleted, change.deleted_octets, box.id),
    )
    tx.touched.append(box.id)
    find_first_unseen(tx, box.id, lowest)


def find_first_unseen(tx: Tx, mailbox: MailboxId, lowest: int) -> None:
    """Look for the first unseen message from the old one or *lowest* on, whichever is lower.

    The scan goes over messages read since the last change, so it is short but for the message
    that is marked unread far back and then read again.
    """
    tx.execute(
        "UPDATE mailbox SET first_unseen = CASE unseen WHEN 0 THEN NULL ELSE ("
        "SELECT uid FROM message WHERE mailbox = ?1"
        " AND uid >= min(coalesce(mailbox.first_unseen, ?2), ?2) AND flags & 1 = 0"
        " ORDER BY uid LIMIT 1) END WHERE id = ?1",
        (mailbox, lowest),
    )

"""COPY, MOVE and the ways messages go away, each a few statements over a whole set.

An expunged message keeps its row, in another table, for the grace period.  Copies share content.
"""

from __future__ import annotations

from mailhub.model.mail import Copied, MailboxId
from mailhub.model.names import INBOX, MailboxName
from mailhub.model.numbers import EVERYTHING, ModSeq, NumberSet
from mailhub.store.sqlite import admission, boxes, changed, keywords
from mailhub.store.sqlite.boxes import TALLY, Box, Tally
from mailhub.store.sqlite.packing import UIDS, among, chosen, unpack_uids
from mailhub.store.sqlite.transaction import Tx

NOTHING = NumberSet()
DELETED_ONLY = " AND flags & 8 <> 0"
"""Spelled as in the index message_deleted, or it could not be used."""


def copy(tx: Tx, mailbox: MailboxId, uids: NumberSet, target: MailboxName) -> Copied:
    """Copy those of *uids* that exist.

    Raises MailboxGone, NoSuchMailbox, LimitReached, OverQuota.
    """
    box = boxes.get(tx, mailbox)
    there = boxes.find(tx, target)
    present, tally = _present(tx, box, uids)
    if not present:
        return Copied(there.uidvalidity, NOTHING, NOTHING)
    count, octets = tally[0], tally[3]
    admission.admit_copies(tx, there, octets, count)
    added = _copy(tx, box, present, tally, there)
    tx.charge("copied", there.id, octets, count)
    return Copied(there.uidvalidity, present, added)


def move(tx: Tx, mailbox: MailboxId, uids: NumberSet, target: MailboxName) -> Copied:
    """Copy and expunge.  Raises MailboxGone, NoSuchMailbox, LimitReached."""
    box = boxes.get(tx, mailbox)
    there = boxes.find(tx, target)
    present, tally = _present(tx, box, uids)
    if not present:
        return Copied(there.uidvalidity, NOTHING, NOTHING)
    added = _copy(tx, box, present, tally, there)
    _take_out(tx, box, present, tally)
    return Copied(there.uidvalidity, present, added)


def expunge(tx: Tx, mailbox: MailboxId, uids: NumberSet | None) -> NumberSet:
    """Remove the \\Deleted messages among *uids* (None: all); which they were."""
    box = boxes.get(tx, mailbox)
    if uids is None:
        uids = EVERYTHING
    present, tally = _present(tx, box, uids, deleted_only=True)
    _remove(tx, box, present, tally, "expunged")
    return present


def remove(tx: Tx, mailbox: MailboxId, uids: NumberSet) -> NumberSet:
    """Remove messages whatever their flags; which existed."""
    box = boxes.get(tx, mailbox)
    present, tally = _present(tx, box, uids)
    _remove(tx, box, present, tally, "removed")
    return present


def _present(
    tx: Tx, box: Box, uids: NumberSet, *, deleted_only: bool = False
) -> tuple[NumberSet, tuple[int, ...]]:
    """Which of *uids* exist; their Tally and how many of them are \\Recent."""
    if not uids:
        return NOTHING, ()
    source, bindings = among(box.id, uids)
    if deleted_only:
        source = source.replace("AS m", "AS m INDEXED BY message_deleted") + DELETED_ONLY
    packed, recent, *tally = tx.rows(
        f"SELECT {UIDS}, coalesce(sum(uid >= ?), 0), {TALLY} FROM {source}",
        (box.recent_from, *bindings),
    )[0]
    return NumberSet.of_sorted(unpack_uids(packed)), (*tally, recent)


def _copy(tx: Tx, box: Box, present: NumberSet, tally: tuple[int, ...], there: Box) -> NumberSet:
    """The UIDs in *there* of the copies of *present*."""
    added = Tally(*tally[:5])
    uids = there.take_uids(added.count)
    modseq = tx.next_modseq()
    flags = keywords.translation(tx, box, there, _bits(tx, box, present))
    condition, bindings = chosen(present)
    uidl = "uidl(?, ? + row_number() OVER (ORDER BY uid))" if there.name == INBOX else "NULL"
    new_uidl = (there.uidvalidity, uids[0] - 1) if there.name == INBOX else ()
    tx.execute(
        "INSERT INTO message SELECT ?, ? + row_number() OVER (ORDER BY uid), content,"
        f" {flags}, ?, ?, received, zone, ?, size, {uidl} FROM message"
        f" WHERE mailbox = ? AND {condition} ORDER BY uid",
        (there.id, uids[0] - 1, modseq, modseq, tx.now, *new_uidl, box.id, *bindings),
    )
    boxes.count_added(tx, there, added, modseq, _first_unseen(tx, there, uids[0], added))
    return NumberSet.of_ranges([(uids[0], uids[-1])])


def _bits(tx: Tx, box: Box, present: NumberSet) -> int:
    """All flags that occur in *present*."""
    if not any(box.keywords):
        return 0
    condition, bindings = chosen(present)
    bits = 0
    for (flags,) in tx.rows(
        f"SELECT DISTINCT flags FROM message WHERE mailbox = ? AND {condition}",
        (box.id, *bindings),
    ):
        bits |= flags
    return bits


def _first_unseen(tx: Tx, box: Box, first: int, added: Tally) -> int | None:
    if not added.unseen:
        return None
    uid: int | None = tx.value(
        "SELECT uid FROM message WHERE mailbox = ? AND uid >= ? AND flags & 1 = 0"
        " ORDER BY uid LIMIT 1",
        (box.id, first),
    )
    return uid


def _remove(tx: Tx, box: Box, present: NumberSet, tally: tuple[int, ...], cause: str) -> None:
    if present:
        _take_out(tx, box, present, tally)
        tx.charge(cause, box.id, -tally[3], -tally[0])


def _take_out(tx: Tx, box: Box, present: NumberSet, tally: tuple[int, ...]) -> None:
    modseq = tx.next_modseq()
    _bury(tx, box, present, modseq)
    boxes.count_removed(tx, box, Tally(*tally[:5]), tally[5], modseq)


def _bury(tx: Tx, box: Box, present: NumberSet, modseq: ModSeq) -> None:
    condition, bindings = chosen(present)
    tx.execute(
        "INSERT INTO expunged SELECT mailbox, uid, content, flags, modseq, added, received,"
        f" zone, saved, size, uidl, ?, ? FROM message WHERE mailbox = ? AND {condition}",
        (modseq, tx.now, box.id, *bindings),
    )
    tx.execute(
        f"DELETE FROM message WHERE mailbox = ? AND {condition}",
        (box.id, *bindings),
    )
    changed.forget(tx, box.id, present)


def remove_all(tx: Tx, box: Box) -> None:
    """Before *box* itself is deleted."""
    present, tally = _present(tx, box, EVERYTHING)
    _remove(tx, box, present, tally, "deleted")

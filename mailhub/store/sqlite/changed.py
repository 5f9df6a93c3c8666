"""Which messages have changed since they came: ranges of UIDs with the modseq of their change.

A change of 20,000 messages is one row here; an index would have to move 20,000 entries.
"""

from __future__ import annotations

from array import array

import apsw

from mailhub.model.mail import MailboxId
from mailhub.model.numbers import ModSeq, NumberSet
from mailhub.store.sqlite.connection import value
from mailhub.store.sqlite.packing import (
    FLAG_ROWS,
    HIGH,
    LOW,
    packed_ranges,
    unpack_flag_rows,
)
from mailhub.store.sqlite.transaction import Tx

FlagColumns = tuple["array[int]", "array[int]", "array[int]"]
"""UIDs, ascending, with their flags and modseqs."""


def note(tx: Tx, mailbox: MailboxId, uids: NumberSet, modseq: ModSeq) -> None:
    """*uids* (not empty) have changed now."""
    if len(uids) > len(uids.ranges):  # a single UID covers but its own range, which is replaced
        forget(tx, mailbox, uids)
    if len(uids.ranges) == 1:
        tx.execute(
            "INSERT OR REPLACE INTO changed VALUES (?, ?, ?, ?)",
            (mailbox, *uids.ranges[0], modseq),
        )
        return
    tx.execute(
        f"INSERT OR REPLACE INTO changed SELECT ?, {LOW}, {HIGH}, ? FROM carray(?) AS r",
        (mailbox, modseq, packed_ranges(uids)),
    )


def forget(tx: Tx, mailbox: MailboxId, uids: NumberSet) -> None:
    """Remove the ranges that *uids* (not empty) cover."""
    if len(uids.ranges) == 1:
        low, high = uids.ranges[0]
        tx.execute(
            "DELETE FROM changed WHERE mailbox = ?1 AND low BETWEEN ?2 AND ?3 AND high <= ?3",
            (mailbox, low, high),
        )
        return
    tx.execute(
        "DELETE FROM changed WHERE mailbox = ?1 AND (low, high) IN ("
        "SELECT c.low, c.high FROM carray(?2) AS r CROSS JOIN changed AS c"
        f" WHERE c.mailbox = ?1 AND c.low BETWEEN {LOW} AND {HIGH} AND c.high <= {HIGH})",
        (mailbox, packed_ranges(uids)),
    )


def forget_empty(tx: Tx, mailbox: MailboxId, first: int, last: int) -> None:
    """Remove the ranges that meet the UIDs *first* to *last* and hold no message any more.

    When its messages went one after the other none of them covered it.
    """
    tx.execute(
        "DELETE FROM changed WHERE mailbox = ?1 AND low <= ?3 AND high >= ?2 AND NOT EXISTS ("
        "SELECT 1 FROM message AS m WHERE m.mailbox = ?1"
        " AND m.uid BETWEEN changed.low AND changed.high)",
        (mailbox, first, last),
    )


def since(
    db: apsw.Connection, mailbox: MailboxId, modseq: int, last: int, most: int | None
) -> FlagColumns | None:
    """Messages up to the UID *last* that have changed after *modseq*.

    None: the ranges to be looked through hold more than *most*.
    """
    numbers = value(
        db,
        "SELECT coalesce(sum(high - low + 1), 0) FROM (SELECT low, high FROM changed"
        " INDEXED BY changed_at WHERE mailbox = ? AND modseq > ? LIMIT ?)",
        (mailbox, modseq, -1 if most is None else most + 1),
    )
    if most is not None and numbers > most:
        return None
    if not numbers:
        return array("I"), array("Q"), array("Q")
    packed = value(
        db,
        f"SELECT {FLAG_ROWS} FROM (SELECT m.uid, m.flags, m.modseq"
        " FROM changed AS c INDEXED BY changed_at CROSS JOIN message AS m"
        " WHERE c.mailbox = ?1 AND c.modseq > ?2 AND m.mailbox = ?1"
        " AND m.uid BETWEEN c.low AND min(c.high, ?3) AND m.modseq = c.modseq)",
        (mailbox, modseq, last),
    )
    return _by_uid(*unpack_flag_rows(packed))


def _by_uid(uids: array[int], masks: array[int], modseqs: array[int]) -> FlagColumns:
    """The index has them by modseq: those of one change ascend already."""
    order = sorted(range(len(uids)), key=uids.__getitem__)
    if order == list(range(len(uids))):
        return uids, masks, modseqs
    return (
        array("I", [uids[i] for i in order]),
        array("Q", [masks[i] for i in order]),
        array("Q", [modseqs[i] for i in order]),
    )

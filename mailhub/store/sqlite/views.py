"""What a session sees of a mailbox: its UIDs at some modseq, flags, and what has changed.

UIDs ascend in the order in which messages came, and so does the modseq with which they came.
Therefore messages that came after a modseq are the tail of the mailbox, and need no index.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

import apsw

from mailhub.model.errors import MailboxGone
from mailhub.model.mail import Changes, FlagRows, MailboxId
from mailhub.model.numbers import ModSeq, NumberSet, Uid
from mailhub.store.sqlite import changed
from mailhub.store.sqlite.boxes import split_keywords
from mailhub.store.sqlite.columns import Column, Columns, TooLong
from mailhub.store.sqlite.connection import Row, row, rows, snapshot, value
from mailhub.store.sqlite.packing import (
    BRIEF_FLAG_ROWS,
    BRIEF_KEYWORDS,
    FLAG_ROWS,
    UIDS,
    among,
    clipped,
    unpack_brief,
    unpack_flag_rows,
    unpack_uids,
)


def _mailbox(db: apsw.Connection, mailbox: MailboxId, columns: str) -> Row:
    """Some columns of the mailbox; raises MailboxGone."""
    found = row(db, f"SELECT {columns} FROM mailbox WHERE id = ?", (mailbox,))
    if found is None:
        raise MailboxGone
    return found


def edition(db: apsw.Connection) -> int:
    """Another number when another connection has changed anything in the file."""
    found: int = value(db, "PRAGMA data_version")
    return found


def all_claimed(db: apsw.Connection, mailbox: MailboxId) -> Uid | None:
    """UIDNEXT if no message is \\Recent for whoever asks next, else None.  Raises MailboxGone."""
    claimed, uidnext = _mailbox(db, mailbox, "recent_from, uidnext")
    return Uid(uidnext) if claimed >= uidnext else None


# --- UIDs ---------------------------------------------------------------------------------


def uids_at(
    db: apsw.Connection, mailbox: MailboxId, at: ModSeq, live: Columns
) -> array[int] | None:
    """The UIDs that existed at *at*; None if *live* is out of date."""
    with snapshot(db):
        (modseq,) = _mailbox(db, mailbox, "highest_modseq")
        if modseq != live.modseq:
            return None
        if at >= modseq:
            return live.uids()
        newest: int | None = value(
            db,
            "SELECT uid FROM message WHERE mailbox = ? AND added <= ? ORDER BY uid DESC LIMIT 1",
            (mailbox, at),
        )
        uids = live.uids()
        del uids[bisect_right(uids, newest or 0) :]
        gone = unpack_uids(
            value(
                db,
                f"SELECT {UIDS} FROM expunged WHERE mailbox = ? AND gone > ? AND added <= ?",
                (mailbox, at, at),
            )
        )
        gone += _buried_since(db, mailbox, at, newest or 0)
    return array("I", sorted({*uids, *gone})) if gone else uids


def _buried_since(db: apsw.Connection, mailbox: MailboxId, at: ModSeq, newest: int) -> array[int]:
    """Of messages expunged longer ago than the grace period: those that had come by *at*.

    A tombstone does not say when a message had come; what lies below a message that was there
    was there.  This only concerns sessions that have not been told for a whole grace period.
    """
    found = rows(
        db,
        "SELECT low, high FROM tombstone WHERE mailbox = ? AND gone > ? AND low < ?",
        (mailbox, at, newest),
    )
    uids = array("I")
    for low, high in found:
        uids.extend(range(low, min(high, newest) + 1))
    return uids


# --- flags --------------------------------------------------------------------------------


def flags(
    db: apsw.Connection,
    mailbox: MailboxId,
    uids: NumberSet,
    after: int,
    limit: int,
    modseqs: bool,
) -> FlagRows:
    """A slice: one statement, but for sets of thousands of ranges that match nothing."""
    (keywords,) = _mailbox(db, mailbox, "keywords")
    # A third of the digits when nothing more is wanted and all masks are short.
    brief = not modseqs and keywords.count(" ") < BRIEF_KEYWORDS
    columns, unpack = (BRIEF_FLAG_ROWS, unpack_brief) if brief else (FLAG_ROWS, unpack_flag_rows)
    while True:
        part, reach = clipped(uids, after)
        if not part:
            return FlagRows(array("I"), array("Q"), array("Q"))
        source, bindings = among(mailbox, part)
        packed = value(
            db,
            f"SELECT {columns} FROM (SELECT m.uid, m.flags, m.modseq FROM {source} LIMIT ?)",
            (*bindings, limit + 1),
        )
        found, masks, numbers = unpack(packed)
        if len(found) > limit:
            resume = Uid(found[limit - 1])
            return FlagRows(found[:limit], masks[:limit], numbers[:limit], resume)
        if found or reach is None:
            return FlagRows(found, masks, numbers, None if reach is None else Uid(reach))
        after = reach


def flags_in(columns: Columns, uids: NumberSet, after: int, limit: int, modseqs: bool) -> FlagRows:
    """The same of a single range, from columns in memory."""
    low, high = max(uids.lowest, after + 1), min(uids.highest, columns.last)
    found, masks, numbers = array("I"), array("Q"), array("Q")
    for page in columns.pages:
        if page.uids[-1] < low:
            continue
        start = bisect_left(page.uids, low)
        end = min(bisect_right(page.uids, high), start + limit - len(found))
        if start >= end:
            break
        found += page.uids[start:end]
        masks += page.numbers[Column.FLAGS].values()[start:end]
        if modseqs:
            numbers += page.numbers[Column.MODSEQ].values()[start:end]
    more = found and found[-1] < high
    return FlagRows(found, masks, numbers, Uid(found[-1]) if more else None)


# --- changes ------------------------------------------------------------------------------


def changes(db: apsw.Connection, mailbox: MailboxId, since: ModSeq, limit: int | None) -> Changes:
    """Raises MailboxGone; TooLong if there are more than *limit*."""
    with snapshot(db):
        modseq, keywords, uidnext = _mailbox(db, mailbox, "highest_modseq, keywords, uidnext")
        if modseq <= since:
            vanished, flags = NumberSet(), FlagRows(array("I"), array("Q"), array("Q"))
        else:
            flags = _changed(db, mailbox, since, limit)
            vanished = _vanished(db, mailbox, since, limit)
    return Changes(modseq, vanished, flags, split_keywords(keywords), uidnext)


def _changed(db: apsw.Connection, mailbox: MailboxId, since: ModSeq, limit: int | None) -> FlagRows:
    """Messages that were there with new flags, then those that are new."""
    newest: int = value(
        db,
        "SELECT coalesce((SELECT uid FROM message WHERE mailbox = ? AND added <= ?"
        " ORDER BY uid DESC LIMIT 1), 0)",
        (mailbox, since),
    )
    old = changed.since(db, mailbox, since, newest, limit)
    if old is None:
        raise TooLong
    packed = value(
        db,
        f"SELECT {FLAG_ROWS} FROM (SELECT uid, flags, modseq FROM message"
        " WHERE mailbox = ? AND uid > ? ORDER BY uid LIMIT ?)",
        (mailbox, newest, -1 if limit is None else limit + 1),
    )
    uids, masks, modseqs = unpack_flag_rows(packed)
    if limit is not None and len(uids) > limit:
        raise TooLong
    return FlagRows(old[0] + uids, old[1] + masks, old[2] + modseqs)


def _vanished(
    db: apsw.Connection, mailbox: MailboxId, since: ModSeq, limit: int | None
) -> NumberSet:
    most = -1 if limit is None else limit + 1
    packed = value(
        db,
        f"SELECT {UIDS} FROM (SELECT uid FROM expunged"
        " WHERE mailbox = ? AND gone > ? ORDER BY uid LIMIT ?)",
        (mailbox, since, most),
    )
    expunged = unpack_uids(packed)
    if limit is not None and len(expunged) > limit:
        raise TooLong
    buried = rows(
        db,
        "SELECT low, high FROM tombstone WHERE mailbox = ? AND gone > ? LIMIT ?",
        (mailbox, since, most),
    )
    if limit is not None and len(buried) > limit:
        raise TooLong
    vanished = NumberSet.of_sorted(expunged)
    return (
        vanished | NumberSet.of_ranges((low, high) for low, high in buried) if buried else vanished
    )

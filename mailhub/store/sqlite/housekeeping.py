"""Upkeep of an account file: its write-ahead log, expunged content, orphans, free pages.

SQLite's automatic checkpoint is off, because it would run inside the COMMIT that a client waits
for.  The log is kept between commits and emptied by the writer thread after the replies are out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw

from mailhub.model.mail import MailboxId
from mailhub.store.sqlite import changed
from mailhub.store.sqlite.connection import PAGE_SIZE
from mailhub.store.sqlite.groupcommit import GroupCommit
from mailhub.store.sqlite.packing import integers, unpack_integers
from mailhub.store.sqlite.transaction import Tx

CHECKPOINT_FRAMES = 2_000
AGAIN_AFTER_FRAMES = 1_000
LARGE_FRAMES = 64 * 1024 * 1024 // PAGE_SIZE
LARGE_TIMEOUT_MS = 200

PURGE_AT_ONCE = 500
STAGING_SECONDS = 6 * 3600
"""How long the chunks of a message may wait for the message: more than any transfer takes."""

VACUUM_PAGES = 1024 * 1024 // PAGE_SIZE
VACUUM_FREE_PERCENT = 20


class Checkpointer:
    """Decides when the log of one account is emptied.  In the writer thread."""

    def __init__(self, path: Path, large: Callable[[Path, int], None]):
        self._path = path
        self._large = large
        self._frames = 0
        """In the log, as far as we have written them; others' are learnt at a checkpoint."""
        self._due = CHECKPOINT_FRAMES

    def is_due(self, group: GroupCommit) -> bool:
        """To be asked after every commit."""
        self._frames += group.pages_written()
        return self._frames >= self._due

    def run(self, group: GroupCommit) -> None:
        """Nobody waits for it but who comes next."""
        if group.db is None:
            return
        frames, moved = _checkpoint(group.db, apsw.SQLITE_CHECKPOINT_PASSIVE)
        if frames >= LARGE_FRAMES:
            self._large(self._path, frames * PAGE_SIZE)
            # Wait a moment for readers, so that the next commit begins the log anew.
            group.wait_for_others(LARGE_TIMEOUT_MS)
            frames, moved = _checkpoint(group.db, apsw.SQLITE_CHECKPOINT_RESTART)
        # What has been moved entirely is begun anew, as a rule, by the next commit.
        self._frames = frames if moved < frames else 0
        self._due = max(CHECKPOINT_FRAMES, self._frames + AGAIN_AFTER_FRAMES)

    def before_close(self, group: GroupCommit) -> None:
        """Leave an empty log: the next to open it has nothing to recover."""
        if group.db is not None:
            group.wait_for_others(0)
            _checkpoint(group.db, apsw.SQLITE_CHECKPOINT_TRUNCATE)


def _checkpoint(db: apsw.Connection, mode: int) -> tuple[int, int]:
    """How many frames the log has, and how many of them are in the database now."""
    try:
        return db.wal_checkpoint(mode=mode)
    except apsw.Error:
        # Busy, or the disk fails: the log stays, which is safe; commits report the disk's
        # failures themselves, and the next checkpoint tries again.
        return (0, 0)


def upkeep(tx: Tx, grace_seconds: int) -> float:
    """One piece of what is due; when to come again (in the past: there is more)."""
    collect_orphans(tx)
    more = purge(tx, tx.now - grace_seconds)
    if vacuum(tx) or more:
        return 0
    expunged = tx.value("SELECT min(gone_at) FROM expunged")
    staged = tx.value("SELECT min(since) FROM staging")
    return min(
        float("inf") if expunged is None else float(expunged + grace_seconds + 1),
        float("inf") if staged is None else float(staged + STAGING_SECONDS + 1),
    )


# --- expunged content ---------------------------------------------------------------------


def purge(tx: Tx, before: int) -> bool:
    """Remove some of what was expunged before *before*; whether there is more.

    Content goes when no message and no younger expunged row needs it.  A content that is needed
    by no message can never be needed again, as only messages are copied.
    """
    rows = tx.rows(
        "SELECT mailbox, uid, content, gone FROM expunged WHERE gone_at < ?"
        " ORDER BY gone_at, mailbox, uid LIMIT ?",
        (before, PURGE_AT_ONCE),
    )
    for mailbox, uid, _, gone in rows:
        _bury(tx, mailbox, uid, gone)
        tx.execute("DELETE FROM expunged WHERE mailbox = ? AND uid = ?", (mailbox, uid))
    for box in {mailbox for mailbox, _, _, _ in rows}:
        uids = [uid for mailbox, uid, _, _ in rows if mailbox == box]
        changed.forget_empty(tx, box, min(uids), max(uids))
    remove_unused(tx, {content for _, _, content, _ in rows})
    return len(rows) == PURGE_AT_ONCE


def _bury(tx: Tx, mailbox: int, uid: int, gone: int) -> None:
    """Join the tombstone of *uid* to a neighbour's of the same expunge, or set a new one."""
    joined = tx.rows(
        "UPDATE tombstone SET high = ?1 WHERE mailbox = ?2 AND high = ?1 - 1 AND gone = ?3"
        " AND low = (SELECT max(low) FROM tombstone WHERE mailbox = ?2 AND low < ?1)"
        " RETURNING low",
        (uid, mailbox, gone),
    )
    if not joined:
        # Not for a mailbox that has been deleted: nobody can ask about it.
        tx.execute(
            "INSERT INTO tombstone (mailbox, low, high, gone)"
            " SELECT id, ?2, ?2, ?3 FROM mailbox WHERE id = ?1",
            (mailbox, uid, gone),
        )


def remove_unused(tx: Tx, contents: set[int]) -> None:
    """Delete those of *contents* that neither a message nor an expunged row refers to."""
    if not contents:
        return
    used: set[int] = set()
    for table in ("message", "expunged"):
        packed = tx.value(
            f"SELECT group_concat(format('%016x', content), '') FROM {table}"
            " WHERE content IN (SELECT value FROM carray(?))",
            (integers(sorted(contents)),),
        )
        used.update(unpack_integers(packed))
    delete_content(tx, contents - used)


def delete_content(tx: Tx, contents: set[int]) -> None:
    for content in sorted(contents):
        tx.execute("DELETE FROM content WHERE id = ?", (content,))
        tx.execute("DELETE FROM body WHERE content = ?", (content,))
        tx.execute("DELETE FROM fields WHERE content = ?", (content,))
        tx.execute("DELETE FROM chunk WHERE content = ?", (content,))
        tx.execute("DELETE FROM staging WHERE content = ?", (content,))


def delete_staged(tx: Tx, contents: set[int]) -> None:
    """Chunks whose message was refused after all; not those that have been filed."""
    for content in contents:
        if tx.value("SELECT 1 FROM staging WHERE content = ?", (content,)) is not None:
            delete_content(tx, {content})


def collect_orphans(tx: Tx) -> None:
    """Remove chunks whose message never came."""
    found = tx.rows("SELECT content FROM staging WHERE since < ?", (tx.now - STAGING_SECONDS,))
    delete_content(tx, {content for (content,) in found})


def vacuum(tx: Tx) -> bool:
    """Give some free pages back to the file system when there are many; whether it did."""
    free, pages = tx.value("PRAGMA freelist_count"), tx.value("PRAGMA page_count")
    if free <= VACUUM_PAGES or free * 100 <= pages * VACUUM_FREE_PERCENT:
        return False
    tx.rows(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
    return True


def forget_mailbox(tx: Tx, mailbox: MailboxId) -> None:
    """Of a deleted mailbox: nobody can ask for its expunged messages any more."""
    tx.execute("UPDATE expunged SET gone_at = 0 WHERE mailbox = ?", (mailbox,))
    tx.execute("DELETE FROM tombstone WHERE mailbox = ?", (mailbox,))
    tx.execute("DELETE FROM changed WHERE mailbox = ?", (mailbox,))

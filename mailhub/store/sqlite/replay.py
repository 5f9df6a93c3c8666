"""Filing again what a power loss has taken: reading the journals of processes that are dead.

When only a process has died, the accounts' logs are whole in the kernel's memory, and the journal
tells nothing new.  When the power failed, or the disk went away and came back, each account may
have lost its last transactions.  What they filed and had acknowledged is filed again under its old
UIDs: the ledger_seq tells which transactions the file still has.  Between them others may be
missing that were never acknowledged.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from mailhub import log
from mailhub.model.errors import Damaged, MailboxGone, Unavailable
from mailhub.model.mail import AccountId
from mailhub.store.sqlite.connection import refusals, value
from mailhub.store.sqlite.files import open_account
from mailhub.store.sqlite.filing import file_again, file_homeless
from mailhub.store.sqlite.journal import sync_logs
from mailhub.store.sqlite.journalfile import FiledGroup, Folder, parse_group, records
from mailhub.store.sqlite.transaction import Tx

BUSY_TIMEOUT_MS = 10_000

Groups = dict[AccountId, list[FiledGroup]]


def replay(folder: Path, account_file: Callable[[AccountId], Path]) -> None:
    """Bring the accounts up to date with the journals of dead processes, and remove those.

    Journals of accounts that are damaged are kept.  Blocking.  Raises Unavailable, StorageFull.
    """
    with _abandoned(folder) as paths:
        _replay_all(paths, account_file)


def abandoned(folder: Path) -> list[Path]:
    """Journals of dead processes: after :func:`replay`, what was kept.  Raises Unavailable."""
    with _abandoned(folder) as paths:
        return paths


@contextmanager
def _abandoned(folder: Path) -> Iterator[list[Path]]:
    """One process at a time looks at them."""
    if not folder.exists():
        yield []
        return
    journals = Folder(folder)
    try:
        lock = journals.lock()
        try:
            yield journals.abandoned()
        finally:
            os.close(lock)
    except OSError as error:
        raise Unavailable(f"{error.filename or folder}: {error.strerror}") from error


def _replay_all(paths: Sequence[Path], account_file: Callable[[AccountId], Path]) -> None:
    told: Groups = defaultdict(list)
    mentioned: dict[Path, set[AccountId]] = {}
    for path in paths:
        groups = [parse_group(payload) for payload in records(path.read_bytes())]
        mentioned[path] = {group.account for group in groups}
        for group in groups:
            told[group.account].append(group)
    damaged = {account for account in told if not _replayed(account_file(account), told[account])}
    sync_logs({account_file(account) for accounts in mentioned.values() for account in accounts})
    for path, accounts in mentioned.items():
        if not accounts & damaged:
            path.unlink()


def _replayed(path: Path, groups: Sequence[FiledGroup]) -> bool:
    """File again what the account has lost; False: that cannot be done."""
    account = groups[0].account
    if not path.exists():
        return True  # deleted; that another one is missing is told when it is used
    try:
        opened = open_account(path, account, busy_timeout_ms=BUSY_TIMEOUT_MS)
        with closing(opened) as db, refusals():
            filed = _file_again(db, groups)
    except Damaged as damage:
        log.event("store.damaged", level="error", path=str(path), reason=str(damage))
        return False
    if filed:
        log.event("store.replayed", level="warn", path=str(path), count=filed)
    return True


def _file_again(db: apsw.Connection, groups: Sequence[FiledGroup]) -> int:
    """How many messages: all in one transaction, or the others would be taken for there."""
    if not _missing(db, groups):  # as a rule; then nobody who writes is waited for
        return 0
    db.pragma("synchronous", "FULL")
    db.execute("BEGIN IMMEDIATE")
    try:
        missing = _missing(db, groups)
        if not missing:
            return 0
        tx = Tx(db, 0, durable=True, after_loss=True)
        for group in missing:
            tx.now = group.at
            for letter in group.letters:
                try:
                    file_again(tx, letter)
                except MailboxGone:  # the file is older than the journal: from a backup
                    file_homeless(tx, letter)
            # No number that another transaction had may be taken for what is there now.
            tx.ledger_seq = group.before + len(group.letters)
        tx.flush()
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    return sum(len(group.letters) for group in missing)


def _missing(db: apsw.Connection, groups: Sequence[FiledGroup]) -> list[FiledGroup]:
    """In their order.  What is not missing now never will be: numbers only grow."""
    there = value(db, "SELECT ledger_seq FROM account")
    return sorted((group for group in groups if group.before >= there), key=lambda g: g.before)

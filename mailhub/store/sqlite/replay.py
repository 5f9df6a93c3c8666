"""Filing again what a power loss has taken: reading the journals of processes that are dead.

Under the boot in which it was written a journal tells nothing new, for the accounts' logs are
whole in the kernel's memory; they are waited for and the journal is removed.  After a boot each
account may have lost its last transactions.  What they filed and had acknowledged is filed again
under its old UIDs: the ledger_seq tells which transactions the file still has.  Between them others
may be missing that were never acknowledged.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from mailhub import log
from mailhub.model.errors import Damaged, Unavailable
from mailhub.model.mail import AccountId
from mailhub.store.sqlite import transaction
from mailhub.store.sqlite.connection import refusals
from mailhub.store.sqlite.files import open_account
from mailhub.store.sqlite.filing import file_again
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
    lost: Groups = defaultdict(list)
    mentioned: dict[Path, set[AccountId]] = {}
    for path in paths:
        boot, groups = _read(path)
        mentioned[path] = {group.account for group in groups}
        if boot != transaction.boot_id():
            for group in groups:
                lost[group.account].append(group)
    damaged = {account for account in lost if not _replayed(account_file(account), lost[account])}
    sync_logs({account_file(account) for accounts in mentioned.values() for account in accounts})
    for path, accounts in mentioned.items():
        if not accounts & damaged:
            path.unlink()


def _read(path: Path) -> tuple[str, list[FiledGroup]]:
    """The boot of a journal, and what was filed under it."""
    found = list(records(path.read_bytes()))
    boot = found[0].decode("ascii", "replace") if found else ""
    return boot, [parse_group(payload) for payload in found[1:]]


def _replayed(path: Path, groups: Sequence[FiledGroup]) -> bool:
    """File again what the account has lost; False: it cannot be opened."""
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
    db.pragma("synchronous", "FULL")
    db.execute("BEGIN IMMEDIATE")
    try:
        tx = Tx(db, 0, durable=True)
        missing = sorted(
            (group for group in groups if group.before >= tx.ledger_seq), key=lambda g: g.before
        )
        for group in missing:
            tx.now = group.at
            for letter in group.letters:
                file_again(tx, letter)
            # No number that another transaction had may be taken for what is there now.
            tx.ledger_seq = group.before + len(group.letters)
        tx.flush()
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    return sum(len(group.letters) for group in missing)

"""Removing the files of a deleted account.

Only after hub.db says durably that the account is deleted.  A process that still has the file
open keeps an unlinked file until it closes it; nobody can open it again, and a new account of the
same address has another id, so nothing is mixed up.
"""

from __future__ import annotations

import os
from pathlib import Path

from mailhub.model.mail import AccountId
from mailhub.store.hub.datadir import DataDir

SUFFIXES = ("", "-wal", "-shm", "-journal")


def files_of(data: DataDir, account: AccountId) -> list[Path]:
    """The files that exist of an account: the database and SQLite's companions."""
    base = data.account_file(account)
    return [path for path in (Path(f"{base}{suffix}") for suffix in SUFFIXES) if path.exists()]


def remove_files(data: DataDir, account: AccountId) -> list[Path]:
    """Remove them durably; returns what was there."""
    found = files_of(data, account)
    for path in found:
        path.unlink(missing_ok=True)
    if found:
        _sync_folder(data.account_file(account).parent)
    return found


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

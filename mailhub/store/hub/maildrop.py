"""POP3's exclusive lock on a maildrop, across processes (RFC 1939 3, "TRANSACTION state").

A lock is one byte, numbered as the account, of a file that has no content.  Between processes the
kernel keeps it and frees it on kill -9; within a process, where one descriptor holds all locks,
a set does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from mailhub.model.errors import InUse
from mailhub.net.locks import open_lock_file, try_lock, unlock


class MaildropLocks:
    """Used in the reactor thread.  Opened after forking: a child would share its locks."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._held: set[int] = set()

    @classmethod
    def open(cls, path: Path) -> MaildropLocks:
        return cls(open_lock_file(path))

    def lock(self, account_number: int) -> Callable[[], None]:
        """Returns the release, harmless when called again.  Raises InUse."""
        if account_number in self._held or not try_lock(self._fd, account_number):
            raise InUse
        self._held.add(account_number)
        released = False

        def release() -> None:
            nonlocal released
            if not released:
                released = True
                self._release(account_number)

        return release

    def close(self) -> None:
        """Closing the descriptor releases what is still held."""
        self._held.clear()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _release(self, account_number: int) -> None:
        if account_number in self._held:
            self._held.remove(account_number)
            unlock(self._fd, account_number)

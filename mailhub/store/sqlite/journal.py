"""The journal: what makes small deliveries of many accounts durable with one write.

A commit that waits for the disk waits for one account's log.  Small messages are committed without
waiting instead, and written once more behind each other into the journal of the process, those
of all accounts that have come meanwhile by one write that waits; then they are acknowledged.
Only the journals of processes that have died are read (:mod:`.replay`): what a power loss has taken
from the accounts' logs is filed again.

A full journal file is used again when the logs of all accounts that it tells of are on the disk.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from twisted.internet.defer import Deferred, DeferredLock
from twisted.python.failure import Failure

from mailhub import log
from mailhub.store.runner import Runner
from mailhub.store.sqlite.journalfile import FiledGroup, Folder, JournalFile

FILE_OCTETS = 16 * 1024 * 1024
"""So large does a file become: some three thousand small messages."""
SPARE_FILES = 1
SLOW_SECONDS = 0.02
"""A commit in the reactor that takes longer has been kept waiting by a disk with too much to do."""
SHUN_SECONDS = 1.0
"""So long are commits left to threads then, and when the journal could not be written."""


class Entry(NamedTuple):
    """``done`` is called in the reactor: is it durable?"""

    path: Path
    """Of the account's file."""
    pieces: list[bytes]
    done: Callable[[bool], None]


class Journal:
    """Of one process.  All methods are called in the reactor, but for those of the thread."""

    def __init__(self, folder: Path, runner: Runner) -> None:
        self._folder = Folder(folder)
        self._runner = runner
        self._waiting: list[Entry] = []
        self._busy = False
        self._file: JournalFile | None = None
        self._spare: deque[JournalFile] = deque()
        self._full: list[JournalFile] = []
        """Files whose accounts' logs are not known to be on the disk."""
        self._settling = DeferredLock()
        self._shunned_until = 0.0

    def add(self, path: Path, filed: FiledGroup, done: Callable[[bool], None]) -> None:
        """Make durable what a transaction has filed in the account at *path*."""
        self._waiting.append(Entry(path, filed.pieces(), done))
        if not self._busy:
            self._next()

    @property
    def is_quick(self) -> bool:
        """Whether the reactor may commit itself, as far as the last commits and writes tell."""
        return time.monotonic() >= self._shunned_until

    def took(self, seconds: float) -> None:
        """So long has a commit kept the reactor."""
        if seconds > SLOW_SECONDS:
            self._shunned_until = time.monotonic() + SHUN_SECONDS

    def _failed(self, reason: str) -> None:
        """It is left alone for a while, or each write of a storm would try, fail and be told."""
        _tell(self._folder.path, reason)
        self._shunned_until = time.monotonic() + SHUN_SECONDS

    def _next(self) -> None:
        entries, self._waiting = self._waiting, []
        self._busy = bool(entries)
        if entries:
            self._runner.wait(partial(self._write, entries))

    async def close(self) -> None:
        """Nothing may be waiting any more, and the accounts must be closed."""
        await self._settling.acquire()
        if self._file is not None:
            self._full.append(self._file)
            self._file = None
        try:
            await self._settle()
        except OSError as error:
            _tell(self._folder.path, str(error))
        while self._full:  # to the next who starts
            self._full.pop().leave()
        while self._spare:
            self._spare.pop().remove()
        self._settling.release()

    # --- in a writer thread, never in two at once

    def _write(self, entries: list[Entry]) -> None:
        durable = True
        try:
            self._write_all(entries)
        except OSError as error:
            durable = False
            self._runner.in_reactor(partial(self._failed, str(error)))
            self._turn()  # what is in the file stays, but it is not written to again
        # First the next: the disk works while those who waited are answered.
        self._runner.in_reactor(self._next)
        for entry in entries:
            self._runner.in_reactor(partial(entry.done, durable))

    def _write_all(self, entries: list[Entry]) -> None:
        octets = sum(len(piece) for entry in entries for piece in entry.pieces)
        if self._file is not None and self._file.end + octets > FILE_OCTETS:
            self._turn()
        if self._file is None:
            self._file = self._spare.popleft() if self._spare else self._folder.new_file()
            self._file.begin()
        file = self._file
        # Before anything is written: who finds a part of it has to know whose logs matter.
        file.accounts.update(entry.path for entry in entries)
        file.write(b"".join(piece for each in entries for piece in file.record(each.pieces)))

    def _turn(self) -> None:
        """The next write goes to another file."""
        if self._file is not None:
            self._runner.in_reactor(partial(self._retire, self._file))
            self._file = None

    # --- full files

    def _retire(self, file: JournalFile) -> None:
        self._full.append(file)
        # One round at a time: a file may be used and full again before a second one has ended.
        settling = self._settling.run(lambda: Deferred.fromCoroutine(self._settle()))
        settling.addErrback(self._not_settled)

    async def _settle(self) -> None:
        """Free the full files.  Raises OSError: they are kept for the next round."""
        full = list(self._full)
        accounts = {path for file in full for path in file.accounts}
        await self._runner.run(sync_logs, accounts)
        for file in full:
            self._full.remove(file)
            if len(self._spare) < SPARE_FILES:
                self._spare.append(file)
            else:
                file.remove()

    def _not_settled(self, failure: Failure) -> None:
        _tell(self._folder.path, failure.getErrorMessage())


def sync_logs(accounts: Iterable[Path]) -> None:
    """Wait until what has been committed to these account files is on the disk.

    Nobody locks a log itself, so opening and closing it does no harm.  Where there is none, it
    has been moved to the database, which was waited for.  Raises OSError.
    """
    folders = set()
    for path in sorted(accounts):
        try:
            _sync(Path(f"{path}-wal"), os.fdatasync)
        except FileNotFoundError:
            continue
        folders.add(path.parent)
    for folder in folders:  # a log's name must last as well
        _sync(folder, os.fsync)


def _sync(path: Path, sync: Callable[[int], None]) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync(fd)
    finally:
        os.close(fd)


def _tell(path: Path, reason: str) -> None:
    log.event("store.journal", level="error", path=str(path), reason=reason)

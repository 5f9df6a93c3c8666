"""The file behind the bell: shared memory in which every process counts what it has changed.

Layout, in 64-bit words of the machine::

    page 0            magic
    pages 1-2         one head of 8 words per slot: rung, rung_all, owner, hears
    64 KiB per slot   a column of 8,192 counters, counter = account number mod 8,192

A slot belongs to one process, which holds an OFD lock on byte <slot> of the file and alone writes
the slot's words.  ``rung`` moves after every counter and after ``rung_all``, so looking at one
word tells whether a column is worth reading.  ``hears`` is zero while nobody there wants to be
woken.  ``owner`` is zero when the slot was given back in
order; a slot that is neither owned nor zero belonged to a process that died, perhaps between its
COMMIT and its ring: whoever finds it moves ``rung_all``, which rings for every account.
"""

from __future__ import annotations

import mmap
import os
import threading
from pathlib import Path

from mailhub.model.errors import Unavailable
from mailhub.net.locks import open_lock_file, try_lock, unlock, wait_lock
from mailhub.store.hub.errors import UnusableDataDir

SLOTS = 128
COUNTERS = 8192
PAGE = 4096
MAGIC = b"mailhub bell 1\n"

COLUMN_OCTETS = COUNTERS * 8

_HEAD_WORDS = 8  # a cache line: processes do not slow each other down
_HEAD_OCTETS = _HEAD_WORDS * 8
_RUNG, _RUNG_ALL, _OWNER, _HEARS = range(4)
_FIRST_HEAD = PAGE
_FIRST_COLUMN = PAGE + 2 * PAGE
_OCTETS = _FIRST_COLUMN + SLOTS * COLUMN_OCTETS
_SETUP_BYTE = SLOTS  # locked while the file is made


class BellFile:
    """One process's view of the file, and its slot.  Opened after forking.

    *member* False: a process that neither rings nor listens, and has no slot.
    """

    def __init__(self, fd: int, *, member: bool = True) -> None:
        self._fd = fd
        self._map = mmap.mmap(fd, _OCTETS)
        self._octets = memoryview(self._map)
        self._words = self._octets.cast("Q")
        self._lock = threading.Lock()
        self.slot = self._claim() if member else -1

    @classmethod
    def open(cls, path: Path, *, member: bool = True) -> BellFile:
        """Raises Unavailable (no free slot, no space), UnusableDataDir (another layout)."""
        fd = open_lock_file(path)
        try:
            _set_up(fd, path)
            return cls(fd, member=member)
        except BaseException:
            os.close(fd)
            raise

    def ring(self, account_number: int) -> None:
        """Any thread.  A lost increment would be a lost change, hence the lock."""
        counter = (_FIRST_COLUMN + self.slot * COLUMN_OCTETS) // 8 + account_number % COUNTERS
        with self._lock:
            self._words[counter] += 1
            self._words[_head(self.slot) + _RUNG] += 1

    def heads(self) -> bytes:
        """All heads as they are now, for comparing with an earlier look."""
        return bytes(self._octets[_FIRST_HEAD:_FIRST_COLUMN])

    def rung_all(self, slot: int) -> int:
        return self._words[_head(slot) + _RUNG_ALL]

    def column(self, slot: int) -> bytes:
        start = _FIRST_COLUMN + slot * COLUMN_OCTETS
        return bytes(self._octets[start : start + COLUMN_OCTETS])

    def others(self) -> list[int]:
        """The slots that other processes own, or have died owning."""
        return [
            slot for slot in range(SLOTS) if slot != self.slot and self._words[_head(slot) + _OWNER]
        ]

    def hear(self, hears: bool) -> None:
        """Whether this process is among the :meth:`listeners` of the others."""
        if self.slot >= 0:
            self._words[_head(self.slot) + _HEARS] = hears

    def listeners(self) -> list[int]:
        """The slots of other processes in which somebody wants to be woken."""
        words = self._words[_head(0) + _HEARS : _head(SLOTS) : _HEAD_WORDS]
        return [slot for slot, hears in enumerate(words) if hears and slot != self.slot]

    def bury_the_dead(self) -> None:
        """Ring whole columns for processes that died, and free their slots."""
        for slot in self.others():
            if try_lock(self._fd, slot):
                self._ring_for_the_dead(slot)
                unlock(self._fd, slot)

    def close(self) -> None:
        """Give the slot back.  ``ring`` must not be called any more."""
        with self._lock:
            if self.slot >= 0:
                self.hear(False)
                self._words[_head(self.slot) + _OWNER] = 0
                self.slot = -1
            self._words.release()
            self._octets.release()
            self._map.close()
            os.close(self._fd)

    def _claim(self) -> int:
        for slot in range(SLOTS):
            if not try_lock(self._fd, slot):
                continue
            try:
                # Writing to a hole of a mapped file on a full disk is a SIGBUS.
                os.posix_fallocate(self._fd, _FIRST_COLUMN + slot * COLUMN_OCTETS, COLUMN_OCTETS)
            except OSError as error:
                raise Unavailable(f"No space for the bell: {error.strerror}") from error
            self._ring_for_the_dead(slot)
            self._words[_head(slot) + _OWNER] = os.getpid()
            return slot
        raise Unavailable("Too many mailhub processes use the data directory")

    def _ring_for_the_dead(self, slot: int) -> None:
        """Only with the slot's lock held."""
        head = _head(slot)
        if self._words[head + _OWNER]:
            self._words[head + _RUNG_ALL] += 1
            self._words[head + _RUNG] += 1
            self._words[head + _HEARS] = 0
            self._words[head + _OWNER] = 0


def slots_moved(before: bytes, after: bytes) -> list[int]:
    """Which slots' heads differ between two looks; those in use when *before* is empty."""
    before = before or bytes(len(after))
    return [
        at // _HEAD_OCTETS
        for at in range(0, len(after), _HEAD_OCTETS)
        if before[at : at + _HEAD_OCTETS] != after[at : at + _HEAD_OCTETS]
    ]


def moved(before: bytes, after: bytes) -> list[int]:
    """Which of the 8,192 counters differ, found by comparing ever smaller pieces."""
    return _moved(before, after, 0, COLUMN_OCTETS) if before != after else []


def _moved(before: bytes, after: bytes, start: int, end: int) -> list[int]:
    if end - start == 8:
        return [start // 8]
    piece = max(8, (end - start) // 16)
    found: list[int] = []
    for at in range(start, end, piece):
        if before[at : at + piece] != after[at : at + piece]:
            found += _moved(before, after, at, at + piece)
    return found


def _head(slot: int) -> int:
    return _FIRST_HEAD // 8 + slot * _HEAD_WORDS


def _set_up(fd: int, path: Path) -> None:
    wait_lock(fd, _SETUP_BYTE)
    try:
        magic = os.pread(fd, len(MAGIC), 0)
        if not magic.strip(b"\0"):
            os.ftruncate(fd, _OCTETS)
            os.posix_fallocate(fd, 0, _FIRST_COLUMN)
            os.pwrite(fd, MAGIC, 0)
        elif magic != MAGIC or os.fstat(fd).st_size != _OCTETS:
            raise UnusableDataDir(
                f"{path} is of another version: stop all mailhub processes and delete it"
            )
    except OSError as error:
        raise Unavailable(f"No space for the bell: {error.strerror}") from error
    finally:
        unlock(fd, _SETUP_BYTE)

"""Passwords of one person that may be wrong are tried one after the other, whoever tries them.

Whether one more may be sent is decided by what the directory counts (:mod:`.lockout`), so between
reading that and the bind nobody else may try: no thread, and no other worker's helper.  A slot of
a small file stands for a person; whoever holds its lock is alone with them, and notes there when
the last attempt was, so that the next one knows whether what it has read is older than that.
The kernel frees the lock of a process that dies.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from mmap import mmap
from pathlib import Path

from mailhub.directory.servers import Deadline
from mailhub.directory.troubles import Kind, Trouble
from mailhub.net.locks import open_lock_file, try_lock, unlock

SLOTS = 1024
NAP_SECONDS = 0.002
_TIME = struct.Struct("d")


class Turn:
    """Somebody's turn with one person."""

    def __init__(self, memory: mmap, slot: int) -> None:
        self._memory = memory
        self._at = slot * _TIME.size

    def since(self, when: float) -> bool:
        """Whether there was an attempt after *when*, on the monotonic clock."""
        (last,) = _TIME.unpack_from(self._memory, self._at)
        return bool(last >= when)

    def note(self) -> None:
        """An attempt begins, or has ended."""
        _TIME.pack_into(self._memory, self._at, time.monotonic())


class Attempts:
    """*file* is shared with the other processes that try passwords; None: there are none."""

    def __init__(self, file: Path | None = None) -> None:
        self._locks = [threading.Lock() for _ in range(SLOTS)]
        self._fd: int | None = None
        size = SLOTS * _TIME.size
        if file is None:
            self._memory = mmap(-1, size)
            return
        self._fd = open_lock_file(file)
        os.ftruncate(self._fd, size)
        self._memory = mmap(self._fd, size)

    @contextmanager
    def turn(self, person: str, deadline: Deadline) -> Iterator[Turn]:
        """Alone with *person*, whatever names them.  Raises Trouble when it takes too long."""
        digest = blake2b(person.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        slot = int.from_bytes(digest) % SLOTS
        lock = self._locks[slot]
        if not lock.acquire(timeout=max(0.0, deadline.left(threading.TIMEOUT_MAX))):
            raise _waited()
        try:
            self._lock_file(slot, deadline)
            try:
                yield Turn(self._memory, slot)
            finally:
                if self._fd is not None:
                    unlock(self._fd, slot)
        finally:
            lock.release()

    def _lock_file(self, slot: int, deadline: Deadline) -> None:
        while self._fd is not None and not try_lock(self._fd, slot):
            if deadline.passed:
                raise _waited()
            time.sleep(NAP_SECONDS)


def _waited() -> Trouble:
    return Trouble(Kind.WAITED, "other passwords of the same person are being tried")

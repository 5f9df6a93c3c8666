"""The memory that the workers of a server share, and what lies where in it.

The parent makes it without a name (memfd), so nothing of it is left when the last process has gone,
and no full disk can hurt it::

    head        the secret; a word for each worker's turns, one for its heartbeat
    workers     of each: who is connected (seats), what it has counted (cells)
    notes       of all, each kind under a lock of its own

What only one worker writes needs no lock; whoever starts in the place of one that died finds its
part emptied by the parent, counters excepted.
"""

from __future__ import annotations

import os
import secrets
import time
from functools import cached_property
from mmap import PAGESIZE, mmap

from mailhub.log import numbered_id, short_id
from mailhub.metrics import cells
from mailhub.metrics.cells import Cells
from mailhub.net import notes, seats
from mailhub.net.locks import unlock, wait_lock
from mailhub.net.notes import Notes
from mailhub.net.seats import Seats
from mailhub.net.shared import Kind, Shared
from mailhub.net.turns import SharedTurns

MAX_WORKERS = 64

_SECRET = slice(0, 32)
_PREFIX = slice(32, 34)
_TURNS = 1024
_BEATS = 2048


def _pages(octets: int) -> int:
    return -(-octets // PAGESIZE) * PAGESIZE


_SEATS = _pages(seats.REGION_OCTETS)
_WORKER = _SEATS + _pages(cells.REGION_OCTETS)


class Memory:
    """One process's view; *fd* is the parent's, inherited."""

    def __init__(self, fd: int, workers: int) -> None:
        self.fd = fd
        self.workers = workers
        self._octets = memoryview(mmap(fd, _size(workers)))
        self.beats = self._octets[_BEATS : _BEATS + workers * 8].cast("d")
        """When each worker was last alive, on the monotonic clock."""
        self._turns = self._octets[_TURNS : _TURNS + workers * 8].cast("Q")

    @classmethod
    def make(cls, workers: int) -> Memory:
        fd = os.memfd_create("mailhub")
        os.ftruncate(fd, _size(workers))
        memory = cls(fd, workers)
        memory._octets[_SECRET] = secrets.token_bytes(32)
        memory._octets[_PREFIX] = short_id(2).encode()
        return memory

    def shared(self, worker: int) -> Shared:
        secret = bytes(self._octets[_SECRET])
        return Shared(
            secret=secret,
            prefix=bytes(self._octets[_PREFIX]).decode() + numbered_id(worker, MAX_WORKERS),
            seats=Seats(self._seats, worker, secret),
            notes=self._notes(),
        )

    def turns(self, worker: int) -> SharedTurns:
        return SharedTurns(self._turns, worker)

    def cells(self, worker: int) -> Cells:
        return Cells(self.regions()[worker])

    def regions(self) -> list[memoryview]:
        """What all workers have counted."""
        return [self._of_worker(n)[_SEATS:] for n in range(self.workers)]

    def connections(self, worker: int) -> int:
        return seats.taken(self._seats[worker])

    def beat(self, worker: int) -> None:
        self.beats[worker] = time.monotonic()

    def clear(self, worker: int) -> None:
        """The worker is gone: it holds no connections any more, and takes none."""
        self._turns[worker] = 0
        seats.empty(self._seats[worker])
        cells.wipe_gauges(self.regions()[worker])

    @cached_property
    def _seats(self) -> list[memoryview]:
        return [self._of_worker(n)[: seats.REGION_OCTETS] for n in range(self.workers)]

    def _of_worker(self, worker: int) -> memoryview:
        start = PAGESIZE + worker * _WORKER
        return self._octets[start : start + _WORKER]

    def _notes(self) -> dict[Kind, Notes]:
        # A description of our own, or all processes would hold its locks together.
        locks = os.open(f"/proc/self/fd/{self.fd}", os.O_RDWR | os.O_CLOEXEC)
        made, start = {}, PAGESIZE + self.workers * _WORKER
        for number, kind in enumerate(Kind):
            end = start + notes.octets(kind.buckets, kind.ways)
            part = self._octets[start:end]
            made[kind] = Notes(kind.buckets, kind.ways, part, ByteLock(locks, number))
            start = end
        return made


class ByteLock:
    """Held for microseconds; the kernel releases it when its holder dies."""

    def __init__(self, fd: int, byte: int) -> None:
        self._fd = fd
        self._byte = byte

    def __enter__(self) -> None:
        wait_lock(self._fd, self._byte)

    def __exit__(self, *raised: object) -> None:
        unlock(self._fd, self._byte)


def _size(workers: int) -> int:
    noted = sum(notes.octets(kind.buckets, kind.ways) for kind in Kind)
    return PAGESIZE + workers * _WORKER + noted

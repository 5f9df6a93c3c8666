"""What the processes of a server must remember together: marks with a time, by key.

Which wrong passwords somebody has tried, when an account has logged in: a few octets each, in
shared memory of a fixed size.  (Where it says more, a count stands in the place of the time.)  A
key belongs to one of many buckets; when its bucket is full the oldest note in it is forgotten.
Keys and marks are digests, so nobody can choose to meet in one bucket with others.  Everybody
writes everywhere, a bucket at a time and under a lock that the kernel releases when its holder
dies.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from mmap import mmap

KEY = 8
_NOTE = struct.Struct("<8s8sd")
_FREE = bytes(KEY)


def octets(buckets: int, ways: int) -> int:
    """The memory that so many buckets of *ways* notes take."""
    return buckets * ways * _NOTE.size


class Notes:
    """*ways*: notes in a bucket, which is the most that a key can have."""

    def __init__(
        self,
        buckets: int,
        ways: int,
        memory: memoryview | None = None,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        """*memory*: shared with others, who use the same *lock*; None: this process's own."""
        self.ways = ways
        self._buckets = buckets
        self._memory = memoryview(mmap(-1, octets(buckets, ways))) if memory is None else memory
        self._lock = lock or nullcontext()

    def marks(self, key: bytes) -> Marks:
        """To be used in a ``with``: meanwhile nobody else touches them."""
        start = int.from_bytes(key) % self._buckets * self.ways * _NOTE.size
        bucket = self._memory[start : start + self.ways * _NOTE.size]
        return Marks(bucket, key, self._lock)

    def last(self, key: bytes) -> bytes | None:
        """The latest mark of *key*."""
        with self.marks(key) as marks:
            known = marks.since(0.0)
        return max(known, key=known.__getitem__) if known else None

    def only(self, key: bytes, mark: bytes, time: float) -> None:
        """*key* has this mark from now on, and no other."""
        with self.marks(key) as marks:
            marks.drop()
            marks.put(mark, time)


class Marks:
    """The notes of one key."""

    def __init__(
        self, bucket: memoryview, key: bytes, lock: AbstractContextManager[object]
    ) -> None:
        self._bucket = bucket
        self._key = key
        self._lock = lock

    def __enter__(self) -> Marks:
        self._lock.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._lock.__exit__(None, None, None)

    def since(self, time: float) -> dict[bytes, float]:
        """Marks and their times, those from *time* on."""
        return {mark: when for _, mark, when in self._own() if when >= time}

    def put(self, mark: bytes, time: float) -> None:
        """Note *mark*, in the place of an older note of it."""
        at = next((at for at, known, _ in self._own() if known == mark), None)
        if at is None:
            at = self._place()
        _NOTE.pack_into(self._bucket, at, self._key, mark, time)

    def drop(self, mark: bytes | None = None) -> None:
        """Forget *mark*; None: all of the key."""
        for at, known, _ in self._own():
            if mark is None or known == mark:
                self._bucket[at : at + KEY] = _FREE

    def _own(self) -> Iterator[tuple[int, bytes, float]]:
        """Place, mark and time of each note."""
        held = bytes(self._bucket)
        at = held.find(self._key)
        while at >= 0:
            if at % _NOTE.size == 0:
                _, mark, time = _NOTE.unpack_from(held, at)
                yield at, mark, time
            at = held.find(self._key, at + 1)

    def _place(self) -> int:
        """Of a new note: a free one, or the oldest."""
        oldest, least = 0, float("inf")
        for number, (key, _, time) in enumerate(_NOTE.iter_unpack(self._bucket)):
            if key == _FREE:
                return number * _NOTE.size
            if time < least:
                oldest, least = number, time
        return oldest * _NOTE.size

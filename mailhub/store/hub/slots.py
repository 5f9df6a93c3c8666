"""A file with room for so many small records, found by key; new ones take the place of old ones.

Layout::

    page 0      magic, number of buckets, octets of a slot
    buckets     eight slots each; a key's digest says in which bucket its record is

A slot holds a checksum, when it was written, the key's digest and the record.  A full bucket gives
up its oldest record, so the file never grows, looking is one read, and nothing is ever tidied.
Several processes write; whoever writes a bucket holds an OFD lock on the byte of its number.  A
write that was cut short fails its checksum and is an empty slot.  For what may be lost: nothing
waits for the disk, and a bucket that somebody else is writing just now is written all the same.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from mailhub.net.locks import open_lock_file, try_lock, unlock

MAGIC = b"mailhub slots 1\n"
WAYS = 8
PAGE = 4096

_HEADER = struct.Struct("<16sII")
_SLOT = struct.Struct("<IHxxd8s")  # checksum of what follows it, length, time, digest of the key
_CHECKED = 4
_KEY = 8


class SlotFile:
    """Made anew when it is missing or of another layout.  Raises OSError."""

    def __init__(self, path: Path, buckets: int, slot_octets: int) -> None:
        self.room = slot_octets - _SLOT.size
        """Octets a record may have."""
        self._buckets = buckets
        self._slot_octets = slot_octets
        self._lock = threading.Lock()
        self._fd = open_lock_file(path)
        header = _HEADER.pack(MAGIC, buckets, slot_octets)
        if os.pread(self._fd, len(header), 0) != header:
            os.ftruncate(self._fd, 0)
            os.ftruncate(self._fd, PAGE + buckets * WAYS * slot_octets)
            os.pwrite(self._fd, header, 0)

    def get(self, key: str) -> bytes | None:
        digest = _digest(key)
        octets = self._octets_of(self._bucket(digest))
        if digest not in octets:  # a log-in asks for what is mostly not there
            return None
        return next((_record(slot) for slot in self._cut(octets) if _owner(slot) == digest), None)

    def put(self, key: str, record: bytes, when: float) -> None:
        """Keep *record*, at most ``room`` octets, in the place of an older one."""
        self.change(key, lambda old: record, when)

    def change(self, key: str, make: Callable[[bytes | None], bytes], when: float) -> None:
        """Keep what *make* makes of the record that is there, None: there is none."""
        digest = _digest(key)
        bucket = self._bucket(digest)
        with self._lock:
            locked = try_lock(self._fd, bucket)
            try:
                slots = self._read(bucket)
                way = _place(slots, digest)
                is_same = _owner(slots[way]) == digest
                record = make(_record(slots[way]) if is_same else None)
                assert 0 < len(record) <= self.room, "a record that has no room"
                os.pwrite(self._fd, _packed(record, digest, when), self._offset(bucket, way))
            finally:
                if locked:
                    unlock(self._fd, bucket)

    def all(self) -> Iterator[tuple[float, bytes]]:
        """Time and record of everything there is, in no order."""
        for bucket in range(self._buckets):
            for slot in self._read(bucket):
                record = _record(slot)
                if record is not None:
                    yield _when(slot), record

    def close(self) -> None:
        os.close(self._fd)

    def _bucket(self, digest: bytes) -> int:
        return int.from_bytes(digest, "little") % self._buckets

    def _offset(self, bucket: int, way: int = 0) -> int:
        return PAGE + (bucket * WAYS + way) * self._slot_octets

    def _read(self, bucket: int) -> list[bytes]:
        return self._cut(self._octets_of(bucket))

    def _octets_of(self, bucket: int) -> bytes:
        octets = WAYS * self._slot_octets
        return os.pread(self._fd, octets, self._offset(bucket)).ljust(octets, b"\0")

    def _cut(self, octets: bytes) -> list[bytes]:
        starts = range(0, len(octets), self._slot_octets)
        return [octets[start : start + self._slot_octets] for start in starts]


def _place(slots: list[bytes], digest: bytes) -> int:
    """That of the same key, or an empty one, or that of the oldest record."""
    owners = [_owner(slot) for slot in slots]
    if digest in owners:
        return owners.index(digest)
    ages = [_when(slot) for slot in slots]
    return ages.index(min(ages))


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "backslashreplace"), digest_size=_KEY).digest()


def _packed(record: bytes, digest: bytes, when: float) -> bytes:
    rest = _SLOT.pack(0, len(record), when, digest)[_CHECKED:] + record
    return zlib.crc32(rest).to_bytes(_CHECKED, "little") + rest


def _when(slot: bytes) -> float:
    when: float = _SLOT.unpack_from(slot)[2]
    return when


def _owner(slot: bytes) -> bytes:
    """The digest of the key; zeros in an empty slot, half a record's as well."""
    return slot[_SLOT.size - _KEY : _SLOT.size]


def _record(slot: bytes) -> bytes | None:
    """None: an empty slot, or half of a record."""
    checksum, length, *_ = _SLOT.unpack_from(slot)
    end = _SLOT.size + length
    if not length or end > len(slot) or zlib.crc32(slot[_CHECKED:end]) != checksum:
        return None
    return slot[_SLOT.size : end]

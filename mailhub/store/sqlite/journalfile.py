"""The records of a journal and the files they are in.

A file holds records one behind the other, each with a checksum.  It is used again and again from
its beginning, so every use has an *edition*, which all its records carry: what an earlier use has
left behind the last record belongs to another one.  A record is what a transaction has filed.

Whoever writes a file has its first byte locked: a file that is not locked is a dead process's.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailhub.model.errors import Damaged
from mailhub.model.mail import AccountId, InternalDate, MailboxId
from mailhub.net.locks import open_lock_file, try_lock, wait_lock

SUFFIX = ".journal"
ROOM_OCTETS = 1024 * 1024
"""By so much a file grows at once: a write that makes it longer waits half as long again."""
EDITION_OCTETS = 8
_HEAD = struct.Struct(f"<4s{EDITION_OCTETS}sII")  # magic, edition, octets and CRC of what follows
_MAGIC = b"mhj1"
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class FiledLetter:
    """A message as it was filed: where, and what cannot be found out from its octets."""

    mailbox: MailboxId
    uid: int
    content: int
    flags: tuple[str, ...]
    date: InternalDate
    uidl: str | None
    octets: bytes


@dataclass(frozen=True, slots=True)
class FiledGroup:
    """What one transaction has filed.

    ``before`` is the account's ledger_seq when the transaction began: it tells of a file whether
    the transaction is in it.  ``at``: in seconds since 1970.
    """

    account: AccountId
    before: int
    at: int
    letters: Sequence[FiledLetter]

    def pieces(self) -> list[bytes]:
        """For :func:`record`."""
        letters = [
            (
                *(each.mailbox, each.uid, each.content, each.flags),
                *(each.date.seconds, each.date.zone_minutes, each.uidl, len(each.octets)),
            )
            for each in self.letters
        ]
        about = _encode((self.account, self.before, self.at, letters)).encode("ascii")
        return [about, b"\n", *(each.octets for each in self.letters)]


def parse_group(payload: bytes) -> FiledGroup:
    """Raises Damaged: not what :meth:`FiledGroup.pieces` gives."""
    end = payload.find(b"\n")
    try:
        account, before, at, about = json.loads(payload[:end])
        letters = []
        start = end + 1
        for mailbox, uid, content, flags, seconds, zone, uidl, size in about:
            octets = payload[start : start + size]
            date = InternalDate(seconds, zone)
            letters.append(FiledLetter(mailbox, uid, content, tuple(flags), date, uidl, octets))
            start += size
    except (ValueError, TypeError) as error:
        raise Damaged(f"A journal's record cannot be read: {error}") from error
    if start != len(payload):
        raise Damaged("A journal's record has the wrong length")
    return FiledGroup(account, before, at, letters)


def record(edition: bytes, pieces: Sequence[bytes]) -> list[bytes]:
    """*pieces* with their head."""
    crc = octets = 0
    for piece in pieces:
        crc = zlib.crc32(piece, crc)
        octets += len(piece)
    return [_HEAD.pack(_MAGIC, edition, octets, crc), *pieces]


def records(data: bytes) -> Iterator[bytes]:
    """What the records of the edition at the beginning of *data* hold.

    It ends before the first that is not whole.
    """
    at = 0
    edition = None
    while len(data) - at >= _HEAD.size:
        magic, found, octets, crc = _HEAD.unpack_from(data, at)
        start = at + _HEAD.size
        payload = data[start : start + octets]
        if magic != _MAGIC or edition not in (None, found):
            return
        if len(payload) != octets or zlib.crc32(payload) != crc:
            return
        yield payload
        edition, at = found, start + octets


class JournalFile:
    """One that this process writes.  Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_DSYNC | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        try_lock(self._fd, 0)
        self.accounts: set[Path] = set()
        """Files whose logs have what is in the journal."""
        self.end = 0
        self._size = 0
        self._edition = b""

    def begin(self) -> None:
        """Use it from its beginning."""
        self.end = 0
        self.accounts = set()
        self._edition = os.urandom(EDITION_OCTETS)

    def record(self, pieces: Sequence[bytes]) -> list[bytes]:
        return record(self._edition, pieces)

    def write(self, data: bytes) -> None:
        """Add *data*, whole records; it is on the disk when this returns."""
        end = self.end + len(data)
        if end > self._size:
            self._write(bytes(end - self._size + ROOM_OCTETS), self._size)
            self._size = end + ROOM_OCTETS
        self._write(data, self.end)
        self.end = end

    def _write(self, data: bytes, at: int) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._fd, view, at)
            view, at = view[written:], at + written

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """To whoever looks for the files of dead processes."""
        os.close(self._fd)


class Folder:
    """Where the journals of all processes are; locked while one of them adds or removes files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lock(self) -> int:
        """A descriptor to be closed.  Waits.  Raises OSError."""
        if not self.path.is_dir():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(self.path.parent)
        fd = open_lock_file(self.path / "lock")
        wait_lock(fd, 0)
        return fd

    def new_file(self) -> JournalFile:
        """Raises OSError."""
        lock = self.lock()
        try:
            file = JournalFile(self.path / f"{os.getpid()}-{os.urandom(6).hex()}{SUFFIX}")
            self.sync()
            return file
        finally:
            os.close(lock)

    def abandoned(self) -> list[Path]:
        """Files whose writers are dead.  While the folder is locked.  Raises OSError."""
        return [path for path in sorted(self.path.glob(f"*{SUFFIX}")) if _is_abandoned(path)]

    def sync(self) -> None:
        """Make names durable."""
        _sync_folder(self.path)


def _is_abandoned(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:  # its writer needed no folder's lock to remove it
        return False
    try:
        # It goes before its lock does: one that can be locked and has a name is left behind.
        return try_lock(fd, 0) and os.fstat(fd).st_nlink > 0
    finally:
        os.close(fd)


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

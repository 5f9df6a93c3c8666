"""Messages on their way in: in memory while they are small, in a file once they are not.

The scanner reads along while the bytes of a large message arrive, so nothing is read twice and no
message is ever whole in memory.  A spool file has no name: whatever happens to the process, the
kernel removes it.
"""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from zope.interface import implementer

from mailhub.interfaces import IStaged, IStaging
from mailhub.mime.analysis import Analysis
from mailhub.mime.prepend import prepended
from mailhub.mime.scanner import Scanner, analyse
from mailhub.model.errors import StorageFull, Unavailable
from mailhub.store.runner import Runner

IN_MEMORY = 64 * 1024
WRITE_OCTETS = 256 * 1024
SCAN_OCTETS = 64 * 1024
"""About a millisecond's work."""


def file_refusal(error: OSError) -> Unavailable:
    """What the one who asked is told when a file could not be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return StorageFull() if full else Unavailable()


class SpoolFile:
    """A file without a name.  Written and read in threads, closed by the reactor at any time.

    The lock is what keeps a thread from using the descriptor's number when it already belongs to
    another file.
    """

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        try:
            self._fd = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                raise
            self._fd, name = tempfile.mkstemp(dir=folder)  # a file system without O_TMPFILE
            os.unlink(name)
        self._lock = threading.Lock()

    def append(self, data: bytes) -> None:
        """Raises OSError."""
        view = memoryview(data)
        with self._lock:
            while view:
                view = view[os.write(self._open(), view) :]

    def read(self, start: int, octets: int) -> bytes:
        with self._lock:
            return os.pread(self._open(), octets, start)

    def _open(self) -> int:
        if self._fd < 0:
            raise ValueError("a spool file was used after its release")
        return self._fd

    def close(self) -> None:
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1


class _Octets:
    """Where the bytes of a message are; goes when the last that holds it lets go."""

    def __init__(self, where: bytes | SpoolFile) -> None:
        self._where = where
        self._holders = 1

    def read(self, start: int, octets: int) -> bytes:
        if isinstance(self._where, bytes):
            return self._where[start : start + octets]
        pieces = []
        while octets > 0 and (piece := self._where.read(start, octets)):
            pieces.append(piece)
            start += len(piece)
            octets -= len(piece)
        return b"".join(pieces)

    def hold(self) -> None:
        self._holders += 1

    def let_go(self) -> None:
        self._holders -= 1
        if not self._holders and isinstance(self._where, SpoolFile):
            self._where.close()


@implementer(IStaged)
class Staged:
    """A whole message.  ``read`` may be called in any thread until it is released."""

    def __init__(self, octets: _Octets, prefix: bytes, analysis: Analysis) -> None:
        self._octets = octets
        self._prefix = prefix
        self._released = False
        self.analysis = analysis
        self.size = analysis.size

    def read(self, start: int, octets: int) -> bytes:
        """Bytes ``start .. start + octets``; blocking."""
        prefix = self._prefix[start : start + octets]
        rest = octets - len(prefix)
        if not rest:
            return prefix
        data = self._octets.read(max(0, start - len(self._prefix)), rest)
        return prefix + data if prefix else data

    def with_prefix(self, header_lines: bytes) -> Staged:
        try:
            analysis = prepended(self.analysis, header_lines)
        except ValueError:  # a field that the analysis depends on
            analysis = self._analysed_with(header_lines)
        self._octets.hold()
        return Staged(self._octets, header_lines + self._prefix, analysis)

    def _analysed_with(self, header_lines: bytes) -> Analysis:
        scanner = Scanner()
        scanner.feed(header_lines)
        for start in range(0, self.size, WRITE_OCTETS):
            scanner.feed(self.read(start, WRITE_OCTETS))
        return scanner.finish()

    def release(self) -> None:
        if not self._released:
            self._released = True
            self._octets.let_go()


def in_memory(data: bytes) -> Staged:
    """A whole message that is here already."""
    return Staged(_Octets(data), b"", analyse(data))


@implementer(IStaging)
class Staging:
    def __init__(self, folder: Path, runner: Runner, check_space: Callable[[int], None]) -> None:
        self._folder = folder
        self._runner = runner
        self._check_space = check_space
        self._pieces: list[bytes] = []
        self._pending = 0
        """Octets in _pieces."""
        self._scanner: Scanner | None = None
        self._file: SpoolFile | None = None

    async def write(self, data: bytes) -> None:
        self._pieces.append(data)
        self._pending += len(data)
        if self._scanner is not None:
            await self._scan(data)
        elif self._pending > IN_MEMORY:
            self._scanner = Scanner()
            await self._scan(b"".join(self._pieces))
        if self._pending >= WRITE_OCTETS:
            await self._flush()

    async def _scan(self, data: bytes) -> None:
        scanner = self._scanner
        assert scanner is not None
        for start in range(0, len(data), SCAN_OCTETS):
            if start:
                await self._runner.turn()
            scanner.feed(data[start : start + SCAN_OCTETS])

    async def _flush(self) -> None:
        """Write out what has come, in a thread: a disk may make one wait."""
        data = b"".join(self._pieces)
        self._pieces = []
        self._pending = 0
        try:
            self._check_space(len(data))
            if self._file is None:
                self._file = SpoolFile(self._folder)
            await self._runner.run(self._file.append, data)
        except StorageFull:
            self.discard()
            raise
        except OSError as error:
            self.discard()
            raise file_refusal(error) from error

    async def finish(self) -> Staged:
        if self._scanner is None:
            staged = in_memory(b"".join(self._pieces))
        else:
            if self._pieces:
                await self._flush()
            assert self._file is not None
            staged = Staged(_Octets(self._file), b"", self._scanner.finish())
        self._file = None
        self.discard()
        return staged

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None
        self._scanner = None
        self._pieces = []
        self._pending = 0

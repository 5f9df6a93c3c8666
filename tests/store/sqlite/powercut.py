"""A disk whose power fails: what was written and not synced may be lost, or torn.

An SQLite VFS in front of the real one remembers every write since the last sync of its file.
:meth:`Power.cut` makes the folder as it might be found when the power is back: of each file what
was synced, by SQLite or by ``os.fdatasync``, and of the rest any part, in pieces of a sector.
Files that SQLite did not write are as they are; that a new file's name is durable is not put to the
test here.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import apsw

SECTOR = 512


class Kept:
    """One file: what is safe, and what has been written since."""

    def __init__(self, safe: bytes) -> None:
        self.safe = bytearray(safe)
        self.waiting: list[tuple[int, bytes] | int] = []
        """Writes (offset, data) and truncations (size), in their order."""

    def sync(self) -> None:
        for change in self.waiting:
            self._apply(self.safe, change)
        self.waiting.clear()

    def after_a_cut(self, chance: random.Random) -> bytes:
        found = bytearray(self.safe)
        for change in self.waiting:
            if isinstance(change, int):
                if chance.random() < 0.5:
                    self._apply(found, change)
                continue
            offset, data = change
            for start in range(0, len(data), SECTOR):
                if chance.random() < 0.5:
                    self._apply(found, (offset + start, data[start : start + SECTOR]))
        return bytes(found)

    @staticmethod
    def _apply(content: bytearray, change: tuple[int, bytes] | int) -> None:
        if isinstance(change, int):
            del content[change:]
            return
        offset, data = change
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + len(data)] = data


class Power:
    """Of all files that SQLite has opened meanwhile."""

    def __init__(self) -> None:
        self.files: dict[Path, Kept] = {}

    def opened(self, path: Path) -> Kept:
        if path not in self.files:
            self.files[path] = Kept(path.read_bytes() if path.exists() else b"")
        return self.files[path]

    def cut(self, folder: Path, found: Path, chance: random.Random) -> None:
        """Make the folder *found* out of *folder*, which is left alone."""
        shutil.copytree(folder, found)
        for path, kept in self.files.items():
            if path.is_relative_to(folder) and path.exists():
                (found / path.relative_to(folder)).write_bytes(kept.after_a_cut(chance))
        for shared_memory in found.rglob("*-shm"):
            shared_memory.unlink()


class _File(apsw.VFSFile):
    def __init__(self, kept: Kept, filename: Any, flags: list[int]) -> None:
        self._kept = kept
        super().__init__("unix", filename, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        self._kept.waiting.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._kept.waiting.append(newsize)

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self._kept.sync()


class _Vfs(apsw.VFS):
    def __init__(self, power: Power) -> None:
        self._power = power
        super().__init__("powerless", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        text = name.filename() if isinstance(name, apsw.URIFilename) else name
        kept = Kept(b"") if text is None else self._power.opened(Path(os.path.abspath(text)))
        return _File(kept, name, flags)


@contextmanager
def power() -> Iterator[Power]:
    """Everything opened meanwhile depends on it."""
    source = Power()
    vfs = _Vfs(source)
    wait = os.fdatasync

    def fdatasync(fd: int) -> None:
        wait(fd)
        kept = source.files.get(Path(os.readlink(f"/proc/self/fd/{fd}")))
        if kept is not None:
            kept.sync()

    try:
        with patch.object(os, "fdatasync", fdatasync):
            yield source
    finally:
        apsw.set_default_vfs("unix")
        vfs.unregister()

"""A disk that fails on demand: an SQLite VFS in front of the real one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw


class Disk:
    """What goes wrong now: the counters count down to the operation that fails."""

    def __init__(self) -> None:
        self.fail_syncs = False
        self.writes_left: int | None = None
        self.full = False

    def write(self) -> None:
        if self.full:
            raise apsw.FullError("injected")
        if self.writes_left is not None:
            self.writes_left -= 1
            if self.writes_left < 0:
                raise apsw.IOError("injected")

    def sync(self) -> None:
        if self.fail_syncs:
            raise apsw.IOError("injected")


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, filename: Any, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("unix", filename, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.write()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        self._disk.sync()
        super().xSync(flags)


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__("faulty", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        return _File(self._disk, name, flags)


@contextmanager
def faulty_disk() -> Iterator[Disk]:
    """Everything opened meanwhile is on a disk that can fail."""
    disk = Disk()
    vfs = _Vfs(disk)
    try:
        yield disk
    finally:
        apsw.set_default_vfs("unix")
        vfs.unregister()

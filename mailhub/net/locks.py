"""Open-file-description locks on single bytes of a file.

They belong to the descriptor, not to the process as POSIX locks do, so closing another descriptor
of the same file does not drop them; and the kernel frees them when the process ends in any way.
A forked child shares them: whoever holds locks opens its file after forking.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path

# struct flock of Linux: type, whence, start, length, pid; "0q" pads to its alignment.
_FLOCK = struct.Struct("hhqqi0q")


def open_lock_file(path: Path) -> int:
    """A descriptor of *path* (made if missing, close-on-exec) to lock bytes of."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def try_lock(fd: int, byte: int) -> bool:
    """Lock *byte* exclusively; False when another descriptor holds it."""
    try:
        _set(fd, fcntl.F_WRLCK, byte)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def wait_lock(fd: int, byte: int) -> None:
    """Lock *byte* exclusively, waiting for whoever holds it."""
    fcntl.fcntl(fd, fcntl.F_OFD_SETLKW, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0))


def share(fd: int, byte: int) -> None:
    """Lock *byte* together with others who share it, waiting for who has it exclusively."""
    fcntl.fcntl(fd, fcntl.F_OFD_SETLKW, _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, byte, 1, 0))


def unlock(fd: int, byte: int) -> None:
    _set(fd, fcntl.F_UNLCK, byte)


def _set(fd: int, kind: int, byte: int) -> None:
    fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, byte, 1, 0))

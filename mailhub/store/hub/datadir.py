"""The data directory: where everything lies, and who may use it.

::

    hub.db                    domains, accounts, aliases, credentials
    accounts/xx/<id>.db       one SQLite database per account (three files while in use)
    journal/                  small messages that accounts' logs may still lose with the power
    spool/                    messages that are still arriving
    run/                      bell, *.lock, control: of running processes;
                              refused-*, stale-clients: what
                              ``mailhub explain`` and ``mailhub stale-clients`` tell
    tls/                      the certificates of the embedded set-up

One server serves a directory at a time; command-line processes join it at will.  Only local file
systems: SQLite's WAL shares memory between processes and its locks must be real.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mailhub.model.mail import AccountId
from mailhub.net.locks import open_lock_file, share, try_lock, unlock, wait_lock
from mailhub.store.hub.errors import DataDirInUse, UnusableDataDir

LEFTOVER_SECONDS = 10.0
"""How long workers of a killed server may take to close their listening sockets."""
_SERVER, _WORKERS, _SETTING_UP = range(3)
"""Bytes of the server's lock file."""

NETWORK_FILE_SYSTEMS = {
    *("9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "glusterfs"),
    *("lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs", "vboxsf", "virtiofs"),
}


@dataclass(frozen=True, slots=True)
class DataDir:
    path: Path

    @property
    def hub_db(self) -> Path:
        return self.path / "hub.db"

    @property
    def accounts(self) -> Path:
        return self.path / "accounts"

    @property
    def spool(self) -> Path:
        return self.path / "spool"

    @property
    def journal(self) -> Path:
        return self.path / "journal"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def tls(self) -> Path:
        return self.path / "tls"

    @property
    def bell(self) -> Path:
        return self.run / "bell"

    @property
    def pop3_lock(self) -> Path:
        return self.run / "pop3.lock"

    @property
    def quota_lock(self) -> Path:
        return self.run / "quota.lock"

    @property
    def server_lock(self) -> Path:
        return self.run / "server.lock"

    @property
    def attempts(self) -> Path:
        return self.run / "attempts"

    @property
    def control_socket(self) -> Path:
        return self.run / "control"

    def refusals(self, kind: str) -> Path:
        return self.run / f"refused-{kind}"

    @property
    def stale_clients(self) -> Path:
        return self.run / "stale-clients"

    def account_file(self, account: AccountId) -> Path:
        """Where the mail of *account* is; ids are random, so their first two digits spread."""
        return self.accounts / account[:2] / f"{account}.db"

    def prepare(self) -> None:
        """Make what is missing, or raise UnusableDataDir."""
        try:
            for folder in (self.path, self.accounts, self.spool, self.run, self.tls):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UnusableDataDir(f"{self.path}: {error.strerror}") from error
        self._check_file_system()
        self._check_not_torn()

    def check(self) -> None:
        """Raise UnusableDataDir unless mailhub has been set up here."""
        if not self.hub_db.exists():
            raise UnusableDataDir(
                f"There is no mailhub data directory at {self.path}"
                " (the first start of the server makes one, or mailhub domain add)"
            )
        self.prepare()

    def claim_server(self) -> ServerLock:
        """Be the one server of this directory, or raise DataDirInUse."""
        fd = open_lock_file(self.server_lock)
        owner = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
        if not try_lock(fd, _SERVER):
            os.close(fd)
            raise DataDirInUse(f"A mailhub server (process {owner}) is serving {self.path}")
        if not _wait_for_leftovers(fd):
            os.close(fd)
            raise DataDirInUse(f"Workers of process {owner}, which is gone, serve {self.path}")
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        return ServerLock(fd)

    def join_server(self) -> ServerLock:
        """As a worker: to be held while there are listening sockets to hold a successor up."""
        fd = open_lock_file(self.server_lock)
        share(fd, _WORKERS)
        return ServerLock(fd)

    @contextmanager
    def setting_up(self) -> Iterator[None]:
        """One process at a time makes what a first start makes."""
        fd = open_lock_file(self.server_lock)
        try:
            wait_lock(fd, _SETTING_UP)
            yield
        finally:
            os.close(fd)

    def is_served(self) -> bool:
        """Whether a server is running on this directory now."""
        if not self.server_lock.exists():
            return False
        fd = open_lock_file(self.server_lock)
        try:
            return not try_lock(fd, _SERVER)
        finally:
            os.close(fd)

    def _check_file_system(self) -> None:
        kind = file_system(self.path)
        if kind in NETWORK_FILE_SYSTEMS:
            raise UnusableDataDir(
                f"{self.path} is on a network file system ({kind}); mailhub needs a local one"
            )

    def _check_not_torn(self) -> None:
        # Starting empty beside people's mail would look like losing it.
        if not self.hub_db.exists() and next(self.accounts.glob("*/*.db"), None):
            raise UnusableDataDir(f"{self.path} has accounts/ but no hub.db: restore hub.db first")


class ServerLock:
    """Held while a server runs; the kernel frees it however the process ends."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _wait_for_leftovers(fd: int) -> bool:
    """Before the reactor runs.  Whether no worker of an earlier server is left."""
    deadline = time.monotonic() + LEFTOVER_SECONDS
    while not try_lock(fd, _WORKERS):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    unlock(fd, _WORKERS)
    return True


def file_system(path: Path) -> str:
    """The type of the file system *path* is on, from the kernel's mount table; "" if unknown."""
    try:
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in lines:
        fields, _, source = line.partition(" - ")
        if fields.split()[2] == wanted:
            return source.split()[0]
    return ""

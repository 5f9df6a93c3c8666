"""hub.db: opening it, and transactions on it.

A :class:`HubFile` is one SQLite connection behind a lock, for the synchronous functions of this
package.  Readers never wait for writers (WAL).  What an administrator changes is durable when the
``write`` block ends; ``durable=False`` is for what may be lost with the power (usage, log-ins).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import apsw

from mailhub.model.errors import Damaged, Unavailable
from mailhub.store.migrate import migrate
from mailhub.store.sqlite.connection import wait_for_others

SCHEMA = "mailhub.store.hub.schema"
BUSY_TIMEOUT_MS = 10_000

T = TypeVar("T")
P = ParamSpec("P")

Tx = apsw.Connection
"""What the functions of this package are handed: a connection inside a transaction."""


def rows(tx: Tx, sql: str, *bindings: int | str | None) -> list[tuple[Any, ...]]:
    """All rows; the statement beside it says the types."""
    return tx.execute(sql, bindings).fetchall()


class Busy(Unavailable):
    """Another process has the file locked just now; waiting for it takes a thread."""


class HubFile:
    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._open = _Open(db, self._lock)

    @classmethod
    def open(cls, path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> HubFile:
        """Open or create; raises Damaged (SchemaTooNew), Unavailable."""
        try:
            db = apsw.Connection(str(path))
            path.chmod(0o600)  # it holds verifiers
            wait_for_others(db, busy_timeout_ms)
            # Partial indexes make SQLite plan anew whenever a parameter changes (20 us instead
            # of 2), unless plans may not depend on parameters.
            db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
            _use_wal(db, busy_timeout_ms)
            db.pragma("foreign_keys", True)
            db.pragma("synchronous", "full")
            migrate(db, SCHEMA)
        except apsw.Error as error:
            refuse(error)
            raise
        return cls(db)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """One consistent view."""
        with self._open as db:
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.execute("ROLLBACK")

    def glance(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **named: P.kwargs) -> T:
        """``fn(tx, ...)``, which makes one statement: that has a view of its own."""
        with self._open as db:
            return fn(db, *args, **named)

    def edition(self) -> int:
        """Another number when another connection, of whatever process, has changed anything."""
        with self._open as db:
            version: int = rows(db, "PRAGMA data_version")[0][0]
            return version

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Tx]:
        """All of the block or nothing; an exception undoes it."""
        with self._open as db:
            db.pragma("synchronous", "full" if durable else "normal")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                # SQLITE_FULL and IOERR have rolled back already.
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def copy_to(self, path: Path) -> None:
        """The whole as it is now, in a new file."""
        with self._open as db:
            path.touch(mode=0o600)  # it holds verifiers
            db.execute("VACUUM INTO ?", (str(path),))

    def close(self) -> None:
        with self._lock:
            self._db.close()


def _use_wal(db: apsw.Connection, timeout_ms: int) -> None:
    """SQLite's own timeout does not cover this: of several processes that make the file at
    once, each holds what the others wait for, and all but one are told so at once.
    """
    deadline = time.monotonic() + timeout_ms / 1000
    while True:
        try:
            db.pragma("journal_mode", "wal")
            return
        except apsw.BusyError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.01)


class _Open:
    """The connection under its lock, for a ``with``: SQLite's troubles come out of it as ours."""

    __slots__ = ("_db", "_lock")

    def __init__(self, db: apsw.Connection, lock: threading.Lock) -> None:
        self._db = db
        self._lock = lock

    def __enter__(self) -> Tx:
        self._lock.acquire()
        return self._db

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        self._lock.release()
        if isinstance(error, apsw.Error):
            refuse(error)


def refuse(error: apsw.Error) -> None:
    """Raise the refusal that *error* is; returns if it is a programming error."""
    match error:
        case apsw.CorruptError() | apsw.NotADBError():
            raise Damaged(f"hub.db is damaged: {error}") from error
        case apsw.BusyError() | apsw.LockedError():
            raise Busy("The store is locked just now by another process: try again") from error
        case apsw.FullError() | apsw.IOError() | apsw.CantOpenError() | apsw.ReadOnlyError():
            raise Unavailable(f"hub.db is not available: {error}") from error

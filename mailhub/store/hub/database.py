"""hub.db: opening it, and transactions on it.

A :class:`HubFile` is one SQLite connection behind a lock, for the synchronous functions of this
package.  Readers never wait for writers (WAL).  What an administrator changes is durable when the
``write`` block ends; ``durable=False`` is for what may be lost with the power (usage, log-ins).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from mailhub.model.errors import Damaged, Unavailable
from mailhub.store.migrate import migrate
from mailhub.store.sqlite.connection import wait_for_others

SCHEMA = "mailhub.store.hub.schema"
BUSY_TIMEOUT_MS = 10_000

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

    @classmethod
    def open(cls, path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> HubFile:
        """Open or create; raises Damaged (SchemaTooNew), Unavailable."""
        with _refusals():
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
        return cls(db)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """One consistent view."""
        with self._lock, _refusals():
            self._db.execute("BEGIN")
            try:
                yield self._db
            finally:
                self._db.execute("ROLLBACK")

    def edition(self) -> int:
        """Another number when another connection, of whatever process, has changed anything."""
        with self._lock, _refusals():
            return int(str(self._db.pragma("data_version")))

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Tx]:
        """All of the block or nothing; an exception undoes it."""
        with self._lock, _refusals():
            self._db.pragma("synchronous", "full" if durable else "normal")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                # SQLITE_FULL and IOERR have rolled back already.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def copy_to(self, path: Path) -> None:
        """The whole as it is now, in a new file."""
        with self._lock, _refusals():
            path.touch(mode=0o600)  # it holds verifiers
            self._db.execute("VACUUM INTO ?", (str(path),))

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


@contextmanager
def _refusals() -> Iterator[None]:
    """SQLite's troubles as ours."""
    try:
        yield
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise Damaged(f"hub.db is damaged: {error}") from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise Busy("The store is locked just now by another process: try again") from error
    except (
        apsw.FullError,
        apsw.IOError,
        apsw.CantOpenError,
        apsw.ReadOnlyError,
    ) as error:
        raise Unavailable(f"hub.db is not available: {error}") from error

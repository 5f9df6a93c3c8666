"""Connections to account files: how they are set up, and what their errors mean.

Only apsw opens these files, never ``open()``: closing any descriptor of a file drops the locks
that SQLite holds on it.  The files must exist; :mod:`.files` makes them.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import apsw

from mailhub.mime.commonfields import pack
from mailhub.model.errors import Damaged, Refusal, StorageFull, Unavailable

if TYPE_CHECKING:
    from apsw import Bindings

PAGE_SIZE = 4096
CACHE_KIB = 64
JOURNAL_SIZE_LIMIT = 16 * 1024 * 1024
CACHED_STATEMENTS = 64
SHORTEST_NAP_SECONDS = 0.0002
LONGEST_NAP_SECONDS = 0.002


def connect(path: Path, *, busy_timeout_ms: int) -> apsw.Connection:
    """Open an existing file; raises apsw errors."""
    db = apsw.Connection(
        str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=CACHED_STATEMENTS
    )
    try:
        _set_up(db, busy_timeout_ms)
    except apsw.Error:
        db.close(True)
        raise
    return db


def _set_up(db: apsw.Connection, busy_timeout_ms: int) -> None:
    wait_for_others(db, busy_timeout_ms)
    provide_functions(db)
    db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    db.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    # Otherwise statements on tables with partial indexes are prepared anew at every binding.
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    db.pragma("cache_size", -CACHE_KIB)
    db.pragma("temp_store", "memory")
    # The first statement that looks into the file: takes the WAL in, finds damage.
    db.pragma("journal_size_limit", JOURNAL_SIZE_LIMIT)
    db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
    persist = ctypes.c_int(1)
    db.file_control("main", apsw.SQLITE_FCNTL_PERSIST_WAL, ctypes.addressof(persist))


def provide_functions(db: apsw.Connection) -> None:
    """What migrations and checks call."""
    db.create_scalar_function("pack_fields", cast(Any, pack), 1, deterministic=True)


def wait_for_others(db: apsw.Connection, milliseconds: int) -> None:
    """How long statements of *db* wait for other connections from now on.

    SQLite's own handler sleeps for up to 100 ms, while a commit takes one or two.
    """
    if not milliseconds:
        db.set_busy_timeout(0)
        return
    deadline = 0.0

    def again(attempts: int) -> bool:
        nonlocal deadline
        if attempts == 0:
            deadline = time.monotonic() + milliseconds / 1000
        # The power is bounded: after a thousand naps it would be no float any more.
        time.sleep(min(LONGEST_NAP_SECONDS, SHORTEST_NAP_SECONDS * 2 ** min(attempts, 8)))
        return time.monotonic() < deadline

    db.set_busy_handler(again)


Row = tuple[Any, ...]
"""What a SELECT gives; the statement beside it says the types."""


def rows(db: apsw.Connection, sql: str, bindings: Bindings = ()) -> list[Row]:
    """All rows; the statement is finished afterwards, so nothing stays locked."""
    return db.execute(sql, bindings).fetchall()


def row(db: apsw.Connection, sql: str, bindings: Bindings = ()) -> Row | None:
    """The only row, or None."""
    found = db.execute(sql, bindings).fetchall()
    return found[0] if found else None


def value(db: apsw.Connection, sql: str, bindings: Bindings = ()) -> Any:
    """The only column of the only row, or None."""
    found = db.execute(sql, bindings).fetchall()
    return found[0][0] if found else None


@contextmanager
def snapshot(db: apsw.Connection) -> Iterator[None]:
    """All reads inside see one state of the file."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("COMMIT")


def refusal(error: apsw.Error) -> Refusal:
    """What the one who asked is told."""
    match error:
        case apsw.FullError():
            return StorageFull()
        case apsw.CorruptError() | apsw.NotADBError() | apsw.FormatError():
            return Damaged()
        case apsw.ConstraintError():  # counters that do not fit what is there
            return Damaged()
        case _:
            refused = Unavailable()
            refused.detail = str(error)
            return refused


@contextmanager
def refusals() -> Iterator[None]:
    """Database errors become refusals."""
    try:
        yield
    except apsw.Error as error:
        raise refusal(error) from error

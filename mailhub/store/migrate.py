"""Schema migrations: numbered SQL files of a package folder, applied in order, each once.

``0001_start.sql``, ``0002_....sql``: a file is never edited once released, a change is a new file.
``PRAGMA user_version`` holds the number of the last one applied, in the same transaction as its
effects.  A file of a newer program is refused, never touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import apsw

from mailhub import log
from mailhub.model.errors import Damaged


class SchemaTooNew(Damaged):
    """A newer mailhub has written this file; opening it with this one could lose data."""


@cache
def migrations(package: str) -> tuple[tuple[int, str], ...]:
    """``(number, sql)`` of every migration in *package*, ascending and without gaps."""
    found = sorted(
        (int(entry.name.split("_")[0]), entry.read_text("utf-8"))
        for entry in files(package).iterdir()
        if entry.name.endswith(".sql")
    )
    if [number for number, _ in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"The migrations of {package} are not numbered 1, 2, 3, ...")
    return tuple(found)


def version(db: apsw.Connection) -> int:
    return int(db.pragma("user_version"))


def migrate(db: apsw.Connection, package: str) -> None:
    """Bring *db* up to the newest schema; raises SchemaTooNew.

    The version is looked at again under the write lock: another process may have migrated
    while this one waited.
    """
    newest = len(migrations(package))
    if version(db) == newest:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        old = _apply(db, package, newest)
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    if 0 < old < newest:  # a file that was not empty
        log.event("store.migrated", path=db.filename, old=old, new=newest)


def _apply(db: apsw.Connection, package: str, newest: int) -> int:
    """Returns the version it was."""
    present = version(db)
    if present > newest:
        raise SchemaTooNew(
            f"A newer version of mailhub has written this file (schema {present}, known: {newest})"
        )
    for number, sql in migrations(package)[present:]:
        for statement in statements(sql):
            db.execute(statement)
        db.pragma("user_version", number)
    return present


def statements(sql: str) -> Iterator[str]:
    """One statement at a time: a call with several would stop at the first that returns rows."""
    pending = ""
    for piece in sql.split(";")[:-1]:
        pending += piece + ";"
        # A semicolon inside a string or a trigger's body does not end a statement.
        if apsw.complete(pending):
            yield pending
            pending = ""

"""Account files: making new ones from a template, opening them with their schema up to date.

A new account is a copy of a template file (creating the schema by statements costs 20 ms of
waiting for the disk).  The template is never open while it is copied, so copying is safe here;
live files are never copied like this.
"""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import closing, suppress
from pathlib import Path

import apsw

from mailhub.log import short_id
from mailhub.model.errors import Damaged, Unavailable
from mailhub.model.mail import AccountId
from mailhub.model.names import INBOX
from mailhub.store.migrate import migrate, migrations, version
from mailhub.store.spool import file_refusal
from mailhub.store.sqlite.connection import PAGE_SIZE, connect, provide_functions, refusals, value
from mailhub.store.sqlite.transaction import CEILING_STEP, boot_id

SCHEMA = "mailhub.store.sqlite.schema"
TAG_LENGTH = 8
OLDEST_SQLITE = (3, 51, 3)


def check_library() -> None:
    """Raise Unavailable when apsw brings an SQLite that these files must not be opened with."""
    found = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if found < OLDEST_SQLITE or "ENABLE_CARRAY" not in apsw.compile_options:
        raise Unavailable(
            f"mailhub needs apsw with SQLite {'.'.join(map(str, OLDEST_SQLITE))} or newer and"
            f" carray (install apsw from PyPI); found SQLite {apsw.sqlite_lib_version()}"
        )


def make_template(folder: Path) -> Path:
    """The template of the newest schema in *folder*, made if it is not there."""
    template = folder / f"template-{len(migrations(SCHEMA))}.db"
    if not template.exists():
        draft = folder / f"{template.name}.{os.getpid()}"
        draft.unlink(missing_ok=True)
        db = apsw.Connection(str(draft))
        db.pragma("page_size", PAGE_SIZE)
        db.pragma("auto_vacuum", "incremental")
        db.pragma("journal_mode", "wal")
        provide_functions(db)
        migrate(db, SCHEMA)
        db.close()  # the last connection: it empties and removes the log
        draft.replace(template)
    return template


def create_account(template: Path, path: Path, account: AccountId, now: int) -> None:
    """Make the file of a new account with its INBOX, unless it is there.

    It appears whole or not at all; of several that make it at once one is the first.
    Raises StorageFull, Unavailable.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_native_id()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(template, draft)
        draft.chmod(0o600)
        with refusals():
            _fill_in(draft, account, now)
        _sync(draft, os.O_RDWR)
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        _sync(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise file_refusal(error) from error
    finally:
        for suffix in ("", "-wal"):
            Path(f"{draft}{suffix}").unlink(missing_ok=True)


def _fill_in(draft: Path, account: AccountId, now: int) -> None:
    """Make a copy of the template an account's.  Raises apsw errors."""
    with closing(apsw.Connection(str(draft), flags=apsw.SQLITE_OPEN_READWRITE)) as db:
        # Nobody else knows the draft: one sync at the end does for the four of a commit and close.
        db.pragma("locking_mode", "exclusive")
        db.pragma("synchronous", "off")
        db.execute("BEGIN IMMEDIATE")
        db.execute(
            "INSERT INTO account VALUES (1, ?, ?, 1, ?, ?, ?, 0, 0, 0, 0)",
            (account, short_id(TAG_LENGTH), 1 + CEILING_STEP, boot_id(), now),
        )
        db.execute(
            "INSERT INTO mailbox (name, uidvalidity, highest_modseq) VALUES (?, ?, 1)",
            (INBOX, now),
        )
        db.execute("INSERT INTO subscription VALUES (?)", (INBOX,))
        db.execute("COMMIT")
        # The log stays behind; closing would do the same, but keep an error for itself.
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def _sync(path: Path, how: int) -> None:
    fd = os.open(path, how)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def open_account(path: Path, account: AccountId, *, busy_timeout_ms: int) -> apsw.Connection:
    """A connection to an account's file, its schema the newest.

    Raises Damaged (SchemaTooNew), Unavailable.  Can take long: recovery, migration.
    """
    if not path.exists():
        raise Damaged(f"The file of account {account} is missing")
    with refusals():
        db = connect(path, busy_timeout_ms=busy_timeout_ms)
        try:
            if version(db) != len(migrations(SCHEMA)):
                db.set_busy_timeout(max(busy_timeout_ms, 10_000))
                migrate(db, SCHEMA)
                db.set_busy_timeout(busy_timeout_ms)
            if value(db, "SELECT account_id FROM account") != account:
                raise Damaged(f"The file of account {account} is another account's")
        except BaseException:
            db.close(True)
            raise
    return db


def open_for_check(path: Path) -> apsw.Connection:
    """A connection for :mod:`.check`, whatever account it is."""
    with refusals():
        db = connect(path, busy_timeout_ms=10_000)
        db.pragma("cache_size", -16 * 1024)
    return db

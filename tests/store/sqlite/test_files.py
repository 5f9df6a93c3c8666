"""Account files: how they come to be, how they are opened, what is refused."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path

import apsw
import pytest

from mailhub.mime.commonfields import pack
from mailhub.model.errors import Damaged, NoSuchAccount, StorageFull, Unavailable
from mailhub.model.mail import AccountId, Field, Usage
from mailhub.model.numbers import EVERYTHING
from mailhub.store import migrate
from mailhub.store.migrate import SchemaTooNew
from mailhub.store.runner import InlineRunner
from mailhub.store.sqlite import connection, files, store
from mailhub.store.sqlite.check import check_account
from mailhub.store.sqlite.files import (
    SCHEMA,
    create_account,
    make_template,
    open_account,
    open_for_check,
)
from mailhub.store.sqlite.seams import LocalAccounts, LocalFiles
from mailhub.store.sqlite.store import SqliteStore
from mailhub.store.sqlite.transaction import UID_STEP
from tests.harness import run
from tests.store.contract import MESSAGE, sqlite

ACCOUNT = AccountId("00000001")


def made(folder: Path) -> Path:
    path = folder / "aa" / "account.db"
    create_account(make_template(folder), path, ACCOUNT, 1_000_000)
    return path


def test_a_new_account_is_sound_and_private(tmp_path: Path) -> None:
    path = made(tmp_path)
    db = open_for_check(path)

    assert check_account(db) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir() if "-" not in p.name] == ["account.db"]
    assert (db.pragma("journal_mode"), db.pragma("auto_vacuum")) == ("wal", 2)
    db.close()


def test_of_two_that_make_the_same_account_the_first_wins(tmp_path: Path) -> None:
    path = made(tmp_path)
    before = path.read_bytes()

    made(tmp_path)

    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("number", "refusal"), [(errno.ENOSPC, StorageFull), (errno.EACCES, Unavailable)]
)
@pytest.mark.parametrize("step", ["copyfile", "fsync"])
def test_an_account_that_cannot_be_made_is_refused_and_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    number: int,
    refusal: type[Unavailable],
) -> None:
    def broken(*args: object) -> None:
        if step == "copyfile":
            Path(str(args[1])).write_bytes(b"a part")
        raise OSError(number, "no")

    template = make_template(tmp_path)
    path = tmp_path / "aa" / "account.db"
    monkeypatch.setattr(shutil if step == "copyfile" else os, step, broken)

    with pytest.raises(refusal) as told:
        create_account(template, path, ACCOUNT, 1_000_000)

    assert type(told.value) is refusal
    monkeypatch.undo()
    assert list(path.parent.iterdir()) == []
    assert made(tmp_path).exists()


def test_what_could_not_be_moved_from_the_log_makes_no_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linked without its log it would be nobody's file."""

    class Full(apsw.Connection):
        def wal_checkpoint(self, *args: object, **named: object) -> tuple[int, int]:
            raise apsw.FullError("no space left")

    template = make_template(tmp_path)
    monkeypatch.setattr(apsw, "Connection", Full)

    with pytest.raises(StorageFull):
        create_account(template, tmp_path / "aa" / "account.db", ACCOUNT, 1_000_000)

    assert list((tmp_path / "aa").iterdir()) == []


def test_the_template_is_made_once(tmp_path: Path) -> None:
    first = make_template(tmp_path)
    inode = first.stat().st_ino

    assert make_template(tmp_path).stat().st_ino == inode
    assert [p.name for p in tmp_path.iterdir()] == [first.name]


def test_a_missing_file_is_damage_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="missing"):
        open_account(tmp_path / "x.db", ACCOUNT, busy_timeout_ms=0)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_account_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="another"):
        open_account(made(tmp_path), AccountId("other"), busy_timeout_ms=0)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"not a database at all" * 1000)

    with pytest.raises(Damaged):
        open_account(path, ACCOUNT, busy_timeout_ms=0)


# --- migrations ---------------------------------------------------------------------------


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = made(tmp_path)
    db = apsw.Connection(str(path))
    db.pragma("user_version", 999)
    db.close()

    with pytest.raises(SchemaTooNew):
        open_account(path, ACCOUNT, busy_timeout_ms=0)

    db = apsw.Connection(str(path))
    assert db.pragma("user_version") == 999
    db.close()


def test_an_older_schema_is_migrated_at_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path)
    known = migrate.migrations(SCHEMA)
    number = len(known) + 1
    newer = (*known, (number, "CREATE TABLE news (id INTEGER);\nINSERT INTO news VALUES (7);\n"))
    monkeypatch.setattr(migrate, "migrations", lambda package: newer)
    monkeypatch.setattr(files, "migrations", lambda package: newer)

    for _ in range(2):
        db = open_account(path, ACCOUNT, busy_timeout_ms=0)
        assert db.execute("SELECT id FROM news").fetchall() == [(7,)]
        assert db.pragma("user_version") == number
        db.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path)
    known = migrate.migrations(SCHEMA)
    broken = (
        *known,
        (len(known) + 1, "CREATE TABLE news (id);\nINSERT INTO nowhere VALUES (7);\n"),
    )
    monkeypatch.setattr(migrate, "migrations", lambda package: broken)
    monkeypatch.setattr(files, "migrations", lambda package: broken)

    with pytest.raises(Unavailable):
        open_account(path, ACCOUNT, busy_timeout_ms=0)

    monkeypatch.undo()
    open_account(path, ACCOUNT, busy_timeout_ms=0).close()


def test_a_file_of_the_first_schema_still_opens_with_its_mail(tmp_path: Path) -> None:
    """What ``0001`` wrote is kept in the test as SQL, however the schema grows."""
    path = tmp_path / "accounts" / "00" / "00000001.db"
    path.parent.mkdir(parents=True)
    db = apsw.Connection(str(path))
    db.pragma("auto_vacuum", "incremental")
    db.pragma("journal_mode", "wal")
    for statement in migrate.statements(migrate.migrations(SCHEMA)[0][1]):
        db.execute(statement)
    for statement in migrate.statements((Path(__file__).parent / "first_schema.sql").read_text()):
        db.execute(statement)
    db.pragma("user_version", 1)
    db.close()

    world = sqlite(tmp_path)

    assert world.names() == ["INBOX", "work"]
    assert run(world.account.usage()) == Usage(10, 1)
    found = run(world.mailbox().rows([Field.FIELDS], EVERYTHING)).rows
    assert found == [(7, pack(b"A: b\r\n\r\n"))]
    world.append(MESSAGE)
    assert run(world.mailbox().status()).uidnext == 9 + UID_STEP  # the boot was another
    world.prove()


# --- the store at start -------------------------------------------------------------------


def test_an_account_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    made = SqliteStore(LocalFiles(tmp_path), LocalAccounts(), InlineRunner())

    with pytest.raises(NoSuchAccount):
        run(made.account(AccountId("nobody")))


def test_the_lost_file_of_an_account_with_mail_is_not_replaced_by_an_empty_one(
    tmp_path: Path,
) -> None:
    accounts = LocalAccounts()
    account = accounts.add("ann@example.org")
    accounts.record_usage(account, Usage(10, 1), 1)
    made = SqliteStore(LocalFiles(tmp_path), accounts, InlineRunner())
    run(made.start())

    with pytest.raises(Damaged):
        run(run(made.account(account)).usage())

    run(made.stop())


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "file_system", lambda path: "nfs4")
    made = SqliteStore(LocalFiles(tmp_path), LocalAccounts(), InlineRunner())

    with pytest.raises(Unavailable, match="nfs4"):
        run(made.start())


def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.45.1")
    made = SqliteStore(LocalFiles(tmp_path), LocalAccounts(), InlineRunner())

    with pytest.raises(Unavailable, match=r"3\.45\.1"):
        run(made.start())


def test_others_are_waited_for_as_long_as_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of naps: none of them is too long, or no number at all."""
    path = made(tmp_path)
    holder = open_account(path, ACCOUNT, busy_timeout_ms=0)
    holder.execute("BEGIN IMMEDIATE")
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2000:
            holder.execute("ROLLBACK")

    other = open_account(path, ACCOUNT, busy_timeout_ms=60_000)
    monkeypatch.setattr("mailhub.store.sqlite.connection.time.sleep", nap)
    other.execute("BEGIN IMMEDIATE")
    assert len(naps) == 2000
    assert max(naps) == connection.LONGEST_NAP_SECONDS
    for db in (holder, other):
        db.close()

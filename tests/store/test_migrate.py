from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from mailhub.store.migrate import SchemaTooNew, migrate, migrations, statements, version
from tests.events import Events


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty package named ``old_schema``."""
    folder = tmp_path / "old_schema"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    migrations.cache_clear()
    yield folder
    sys.modules.pop("old_schema", None)
    migrations.cache_clear()


def test_migrations_are_applied_in_order_and_once(package: Path, events: Events) -> None:
    (package / "0001_start.sql").write_text("CREATE TABLE t (a);\nINSERT INTO t VALUES (1);\n")
    db = apsw.Connection(":memory:")
    migrate(db, "old_schema")
    migrate(db, "old_schema")
    assert db.execute("SELECT a FROM t").fetchall() == [(1,)]
    assert events.names() == []
    (package / "0002_more.sql").write_text("ALTER TABLE t ADD b DEFAULT 2;\n")
    migrations.cache_clear()
    migrate(db, "old_schema")
    assert db.execute("SELECT a, b FROM t").fetchall() == [(1, 2)]
    assert version(db) == 2
    assert (events["store.migrated"]["old"], events["store.migrated"]["new"]) == (1, 2)


def test_a_failing_migration_changes_nothing(package: Path) -> None:
    (package / "0001_start.sql").write_text("CREATE TABLE t (a);\nCREATE TABLE t (a);\n")
    db = apsw.Connection(":memory:")
    with pytest.raises(apsw.SQLError):
        migrate(db, "old_schema")
    assert version(db) == 0
    assert db.execute("SELECT count(*) FROM sqlite_schema").fetchall() == [(0,)]


def test_a_newer_file_is_refused_and_left_alone(package: Path) -> None:
    (package / "0001_start.sql").write_text("CREATE TABLE t (a);\n")
    db = apsw.Connection(":memory:")
    db.pragma("user_version", 2)
    with pytest.raises(SchemaTooNew):
        migrate(db, "old_schema")
    assert version(db) == 2
    assert not db.in_transaction


def test_a_gap_in_the_numbers_is_a_mistake_of_ours(package: Path) -> None:
    (package / "0002_start.sql").write_text("SELECT 1;\n")
    with pytest.raises(ValueError, match="numbered"):
        migrations("old_schema")


def test_a_script_is_split_at_the_ends_of_statements_only() -> None:
    script = (
        "-- one; two\nSELECT ';';\n"
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;\nSELECT 3;\n"
    )
    assert [text.strip() for text in statements(script)] == [
        "-- one; two\nSELECT ';';",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;",
        "SELECT 3;",
    ]

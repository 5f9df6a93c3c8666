"""Each invariant of an account file, broken, found and set right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from mailhub.model.names import mailbox_name
from mailhub.model.numbers import NumberSet
from mailhub.store.migrate import statements
from mailhub.store.sqlite.check import CHECKS, check_account, repair_account, usage_of
from mailhub.store.sqlite.files import open_for_check
from tests.harness import run
from tests.store.contract import MESSAGE, sqlite, uids

LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 40_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An account with a bit of everything: 3 messages, one large, one expunged, one copy."""
    world = sqlite(tmp_path)
    world.create("work")
    world.append(world.incoming(MESSAGE, "\\Seen", "Red"), MESSAGE, LARGE, MESSAGE)
    inbox = world.mailbox()
    run(inbox.copy(NumberSet.of(1), mailbox_name("work")))
    run(inbox.remove(NumberSet.of(4)))
    world.prove()
    return next(tmp_path.glob("accounts/*/*.db"))


@pytest.fixture
def db(path: Path) -> Iterator[apsw.Connection]:
    db = open_for_check(path)
    yield db
    db.close()


BREAKS = {
    "lost bytes": ["DELETE FROM body WHERE content = 2", "DELETE FROM chunk WHERE n = 1"],
    "analysis": [
        "DELETE FROM content WHERE id = 1",
        "DELETE FROM content WHERE id = 3",
        "UPDATE content SET size = size + 1 WHERE id = 1",
    ],
    "fields": [
        "DELETE FROM fields WHERE content = 1",
        "UPDATE fields SET packed = NULL WHERE content = 1",
        "UPDATE fields SET packed = CAST('x' AS BLOB) WHERE content = 3",
    ],
    "size": ["UPDATE message SET size = 1 WHERE uid = 1", "UPDATE expunged SET size = 1"],
    "lost mailbox": ["DELETE FROM mailbox WHERE name = 'work'"],
    "orphan": [
        "INSERT INTO body VALUES (99, x'00', NULL)",
        "INSERT INTO chunk VALUES (99, 0, x'00')",
        "INSERT INTO fields VALUES (99, x'00')",
        "DELETE FROM expunged",
    ],
    "uid": [
        "UPDATE mailbox SET uidnext = 1",
        "INSERT INTO expunged SELECT *, 9, 9 FROM message WHERE uid = 2",
        "INSERT INTO tombstone VALUES (1, 1, 2, 9)",
    ],
    "modseq": [
        "UPDATE message SET added = 0, modseq = 0 WHERE uid = 3",
        "UPDATE message SET modseq = added - 1 WHERE uid = 1",
        "UPDATE mailbox SET highest_modseq = 1",
        "UPDATE account SET modseq = 1",
        "UPDATE account SET modseq_ceiling = 0",
    ],
    "changed": [
        "UPDATE message SET modseq = modseq + 1 WHERE uid = 2",
        "INSERT INTO changed SELECT 1, 3, 3, highest_modseq FROM mailbox WHERE id = 1;"
        " UPDATE message SET modseq = (SELECT highest_modseq FROM mailbox WHERE id = 1)"
        " WHERE mailbox = 1",
    ],
    "content id": ["UPDATE account SET last_content = 0"],
    "flags": ["UPDATE message SET flags = flags | 1 << 30 WHERE uid = 2"],
    "inbox": ["UPDATE mailbox SET name = 'x' WHERE name = 'INBOX'"],
    "uidvalidity": [
        "UPDATE mailbox SET uidvalidity = 7",
        "UPDATE mailbox SET uidvalidity = uidvalidity + 10",
    ],
    "counter": [
        f"UPDATE mailbox SET {column} = 17"
        for column in (
            *("message_count", "unseen", "deleted", "octets", "deleted_octets", "recent"),
            "first_unseen",
        )
    ],
    "ledger": [
        "DELETE FROM ledger WHERE seq = 1",
        "UPDATE ledger SET octets = octets + 1 WHERE seq = 2",
        "UPDATE account SET ledger_seq = 0",
    ],
    "usage": ["UPDATE account SET octets = 1", "UPDATE account SET messages = 1"],
}


def test_a_sound_account_has_no_problems(db: apsw.Connection) -> None:
    assert check_account(db) == []
    assert repair_account(db) == []


def test_every_kind_of_problem_is_broken_here() -> None:
    assert {check.kind for check in CHECKS} == set(BREAKS)


@pytest.mark.parametrize(
    ("kind", "sql"), [(kind, sql) for kind, breaks in BREAKS.items() for sql in breaks]
)
def test_what_is_broken_is_found_and_repaired(db: apsw.Connection, kind: str, sql: str) -> None:
    for statement in statements(f"{sql};"):
        db.execute(statement)

    problems = check_account(db)
    assert kind in {problem.kind for problem in problems}
    assert all(problem.repairable for problem in problems)

    assert repair_account(db)
    assert check_account(db) == []


def test_an_analysis_is_made_anew_from_the_bytes(db: apsw.Connection) -> None:
    query = "SELECT * FROM content WHERE id IN (1, 3) ORDER BY id"
    before = db.execute(query).fetchall()
    db.execute("DELETE FROM content WHERE id IN (1, 3)")

    repair_account(db)

    assert db.execute(query).fetchall() == before


def test_repair_loses_no_mail_of_a_lost_mailbox(path: Path, db: apsw.Connection) -> None:
    db.execute("DELETE FROM mailbox WHERE name = 'work'")
    repair_account(db)
    world = sqlite(path.parents[2])

    recovered = [name for name in world.names() if name.startswith("Recovered")]

    assert [uids(world.mailbox(name)) for name in recovered] == [[1]]
    world.prove()


def test_damage_that_sqlite_finds_is_told_and_left_alone(path: Path) -> None:
    db = open_for_check(path)
    [(page,)] = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'body'").fetchall()
    db.close()
    octets = bytearray(path.read_bytes())
    start = (int(page or 0) - 1) * 4096
    octets[start + 8 : start + 64] = b"\xff" * 56
    path.write_bytes(octets)
    db = open_for_check(path)

    problems = check_account(db)

    assert problems
    assert {problem.kind for problem in problems} == {"damage"}
    assert not any(problem.repairable for problem in problems)
    assert repair_account(db)
    assert path.read_bytes() == octets
    db.close()


def test_the_usage_is_read_with_its_number(db: apsw.Connection) -> None:
    usage, ledger_seq = usage_of(db)

    assert (usage.messages, usage.octets) == (4, 3 * len(MESSAGE) + len(LARGE))
    assert ledger_seq > 0

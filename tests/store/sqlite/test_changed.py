"""Ranges of changed messages: whoever asks since any modseq is told what changed, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhub.model.flags import FlagChange
from mailhub.model.mail import Changes
from mailhub.model.names import INBOX
from mailhub.model.numbers import EVERYTHING, ModSeq, NumberSet
from mailhub.store import migrate
from mailhub.store.sqlite import views
from mailhub.store.sqlite.columns import TooLong
from mailhub.store.sqlite.connection import provide_functions
from mailhub.store.sqlite.files import SCHEMA, open_account
from tests.harness import run
from tests.store.contract import MESSAGE
from tests.store.sqlite.test_store import House

COUNT = 12
sets = st.lists(st.tuples(st.integers(1, COUNT), st.integers(1, COUNT)), min_size=1, max_size=4)


def changes(house: House, since: int, limit: int | None = None) -> Changes:
    (account,) = house.accounts.records
    db = open_account(house.files.account_file(account), account, busy_timeout_ms=0)
    try:
        return views.changes(db, 1, ModSeq(since), limit)  # type: ignore[arg-type]
    finally:
        db.close()


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from("asr"), sets), min_size=1, max_size=8))
def test_changes_since_any_modseq_are_those_that_were_made(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, list[tuple[int, int]]]]
) -> None:
    house = House(tmp_path_factory.mktemp("house"), min_free=0)
    account = house.account()
    for _ in range(COUNT):
        house.append(account)
    inbox = run(account.open(INBOX))
    first = run(inbox.status()).highest_modseq
    modseqs = dict.fromkeys(range(1, COUNT + 1), 0)
    for number, (action, ranges) in enumerate(steps):
        uids = NumberSet.of_ranges(ranges)
        if action == "r":
            gone = run(inbox.remove(uids))
            modseqs = {uid: modseq for uid, modseq in modseqs.items() if uid not in gone}
        elif action == "a":
            house.append(account)
            status = run(inbox.status())
            modseqs[status.uidnext - 1] = status.highest_modseq
        else:
            flag = frozenset({f"k{number}"})
            stored = run(inbox.store(uids, FlagChange.ADD, flag))
            modseqs |= dict.fromkeys(stored.changed, stored.modseq or 0)

    for since in range(first, run(inbox.status()).highest_modseq + 1):
        told = changes(house, since).changed
        assert list(told.uids) == [uid for uid, m in sorted(modseqs.items()) if m > since]
        assert list(told.modseqs) == [m for _, m in sorted(modseqs.items()) if m > since]
    house.prove(account)
    run(house.store.stop())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, min_free=0)
    account = house.account()
    for _ in range(COUNT):
        house.append(account)
    yield house
    run(house.store.stop())


def store(house: House, uids: NumberSet, flag: str) -> None:
    (account,) = house.accounts.records
    inbox = run(run(house.store.account(account)).open(INBOX))
    run(inbox.store(uids, FlagChange.ADD, frozenset({flag})))


def ranges(house: House) -> list[tuple[int, int]]:
    (account,) = house.accounts.records
    db = open_account(house.files.account_file(account), account, busy_timeout_ms=0)
    try:
        return list(db.execute("SELECT low, high FROM changed ORDER BY modseq, low"))
    finally:
        db.close()


def test_what_a_newer_change_covers_is_forgotten(house: House) -> None:
    store(house, NumberSet.of(2, 4, 5, 9), "a")
    assert ranges(house) == [(2, 2), (4, 5), (9, 9)]
    store(house, NumberSet.of(3, 4, 5, 9), "b")
    assert ranges(house) == [(2, 2), (3, 5), (9, 9)]
    store(house, EVERYTHING, "c")
    assert ranges(house) == [(1, COUNT)]


def test_what_is_removed_is_forgotten(house: House) -> None:
    store(house, NumberSet.of(2, 4, 5, 9), "a")
    (account,) = house.accounts.records
    run(run(run(house.store.account(account)).open(INBOX)).remove(NumberSet.of(4, 5, 6)))
    assert ranges(house) == [(2, 2), (9, 9)]


def test_ranges_whose_messages_went_one_after_the_other_are_forgotten_with_them(
    house: House,
) -> None:
    (account,) = house.accounts.records
    store(house, NumberSet.of_ranges([(1, 4)]), "a")
    store(house, NumberSet.of_ranges([(6, 9)]), "b")
    for uid in (1, 2, 3, 4, 6, 8, 9):
        run(run(run(house.store.account(account)).open(INBOX)).remove(NumberSet.of(uid)))

    house.clock.now += 100_000_000
    house.store.upkeep()

    assert ranges(house) == [(6, 9)]
    house.prove(run(house.store.account(account)))


def test_ranges_that_slide_over_each_other_are_told_once_and_count_as_often_as_they_are_read(
    house: House,
) -> None:
    (account,) = house.accounts.records
    first = run(run(house.store.account(account)).open(INBOX)).opened.highest_modseq
    for low in range(1, 7):
        store(house, NumberSet.of_ranges([(low, low + 5)]), f"k{low}")

    assert len(ranges(house)) == 6
    assert list(changes(house, first, limit=36).changed.uids) == list(range(1, 12))
    with pytest.raises(TooLong):
        changes(house, first, limit=35)


def test_a_file_with_an_index_of_changes_gets_ranges(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / "old.db"))
    for number, sql in migrate.migrations(SCHEMA)[:2]:
        for statement in migrate.statements(sql):
            db.execute(statement)
        db.pragma("user_version", number)
    changed = {2: 7, 3: 7, 4: 8, 6: 7, 8: 5}
    for uid in range(1, 9):
        row = (uid, uid, changed.get(uid, 5), len(MESSAGE))
        db.execute("INSERT INTO message VALUES (1, ?, ?, 0, ?, 5, 0, 0, 0, ?, NULL)", row)

    provide_functions(db)
    migrate.migrate(db, SCHEMA)

    found = list(db.execute("SELECT * FROM changed ORDER BY low"))
    assert found == [(1, 2, 3, 7), (1, 4, 4, 8), (1, 6, 6, 7)]
    db.close()

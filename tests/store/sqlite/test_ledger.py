"""The ledger: its entries are the usage, whatever was done, and it stays short."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import apsw
import pytest

from mailhub.model.errors import Damaged, OverQuota
from mailhub.model.flags import FlagChange
from mailhub.model.names import INBOX, mailbox_name
from mailhub.model.numbers import EVERYTHING, NumberSet
from mailhub.model.quota import Entry, Quota
from mailhub.store.sqlite.account import SqliteAccount
from mailhub.store.sqlite.files import open_for_check
from mailhub.store.sqlite.ledger import PAGE
from tests.harness import run
from tests.store.contract import MESSAGE, World, numbers, sqlite

N = mailbox_name
OCTETS = len(MESSAGE)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = sqlite(tmp_path)
    yield world
    world.prove()


def entries(world: World, most: int = 1000) -> list[Entry]:
    """The oldest first."""
    return list(reversed(run(cast(SqliteAccount, world.account).ledger(most))))


def lines(world: World) -> list[tuple[str, str, int, int]]:
    return [(e.cause, e.mailbox, e.octets, e.messages) for e in entries(world)]


def expunge(world: World) -> None:
    box = world.mailbox()
    run(box.store(NumberSet.of(1), FlagChange.ADD, frozenset({"\\Deleted"})))
    run(box.expunge())


def test_an_empty_account_has_an_empty_ledger(world: World) -> None:
    assert lines(world) == []


@pytest.mark.parametrize(
    ("act", "entry"),
    [
        (lambda w: w.append(MESSAGE, MESSAGE), ("filed", "INBOX", 2 * OCTETS, 2)),
        (
            lambda w: run(w.mailbox().copy(EVERYTHING, N("work"))),
            ("copied", "work", 3 * OCTETS, 3),
        ),
        (expunge, ("expunged", "INBOX", -OCTETS, -1)),
        (
            lambda w: run(w.mailbox().remove(numbers((2, 3)))),
            ("removed", "INBOX", -2 * OCTETS, -2),
        ),
        (lambda w: run(w.account.delete(N("work"))), ("deleted", "", -OCTETS, -1)),
    ],
)
def test_what_changes_the_usage_is_one_entry(
    world: World, act: Callable[[World], object], entry: tuple[str, str, int, int]
) -> None:
    world.create("work")
    world.append(MESSAGE, to="work")
    world.append(MESSAGE, MESSAGE, MESSAGE)
    before = len(lines(world))

    act(world)

    assert lines(world)[before:] == [entry]


def test_what_does_not_change_the_usage_is_no_entry(world: World) -> None:
    box = world.fill(2)
    before = lines(world)

    run(world.account.create(N("work")))
    run(box.move(numbers((1, 1)), N("work")))
    run(world.account.rename(N("work"), N("play")))
    run(world.account.rename(INBOX, N("old")))
    run(box.store(EVERYTHING, FlagChange.ADD, frozenset({"\\Seen"})))

    assert len(lines(world)) == len(before)


def test_what_was_refused_is_no_entry(world: World) -> None:
    world.append(MESSAGE)
    world.limit(Quota(octets=OCTETS))
    with pytest.raises(OverQuota):
        world.append(MESSAGE)
    assert lines(world) == [("filed", "INBOX", OCTETS, 1)]


def test_old_entries_are_carried_forward(world: World) -> None:
    for _ in range(2 * PAGE + 5):
        world.append(b"x")

    kept = entries(world)

    assert PAGE < len(kept) <= 2 * PAGE + 1
    assert kept[0].cause == "carried"
    assert sum(entry.octets for entry in kept) == 2 * PAGE + 5
    assert [e.seq for e in kept] == list(range(kept[0].seq, 2 * PAGE + 6))


def test_a_usage_below_zero_is_refused_and_told_as_damage(world: World, tmp_path: Path) -> None:
    box = world.fill(2)
    path = next(tmp_path.glob("accounts/*/*.db"))
    db = open_for_check(path)
    db.execute("UPDATE account SET octets = 1")

    with pytest.raises(Damaged):
        run(box.remove(NumberSet.of(1)))

    assert run(box.status()).exists == 2
    with pytest.raises(apsw.ConstraintError):
        db.execute("UPDATE account SET messages = -1")
    db.execute(f"UPDATE account SET octets = {2 * OCTETS}")
    db.close()

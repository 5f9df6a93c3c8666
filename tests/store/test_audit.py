"""The auditor: that it finds nothing where all is right, and everything where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from mailhub.config.options import Config
from mailhub.interfaces import Incoming
from mailhub.model.mail import AccountId, Usage
from mailhub.model.names import INBOX
from mailhub.service.engine import Engine, open_inline
from mailhub.store.audit import Auditor, Counted, count
from mailhub.store.hub import accounts, domains, usage
from mailhub.store.hub.datadir import DataDir
from mailhub.store.sqlite.files import open_for_check
from tests.events import Events
from tests.harness import run

NOW = 1_700_000_000


class World:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.drifts: list[int] = []
        self.looked_at: dict[AccountId, object] = {}
        self.waited: list[float] = []
        with engine.hub.file.write() as tx:
            domains.add(tx, "example.org", NOW)
            names = [f"{name}@example.org" for name in ("alice", "bob", "carol")]
            self.accounts = [accounts.add(tx, name, NOW).id for name in names]
        self.auditor = Auditor(
            engine.hub,
            engine.data,
            engine.runner,
            self._delay,
            self.drifts.append,
            self._look,
            lambda: float(NOW),
        )

    async def _look(self, usages: object) -> None:
        assert isinstance(usages, dict)
        self.looked_at.update(usages)

    def _delay(self, seconds: float) -> Deferred[None]:
        self.waited.append(seconds)
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def file(self, account: AccountId, octets: int = 100) -> None:
        mail = run(self.engine.store.account(account))
        staging = mail.stage(octets)
        run(staging.write(b"x" * octets))
        staged = run(staging.finish())
        run(mail.append(INBOX, [Incoming(staged)]))
        staged.release()
        run(self.engine.hub.flush())

    def change(self, account: AccountId, sql: str) -> None:
        db = open_for_check(self.engine.data.account_file(account))
        db.execute(sql)
        db.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    data = DataDir(tmp_path / "data")
    data.prepare()
    engine = open_inline(Config(data_dir=data.path), data)
    yield World(engine)
    run(engine.close())


def test_nothing_is_found_where_all_is_right(world: World, events: Events) -> None:
    for account in world.accounts[:2]:
        world.file(account)
    run(world.auditor.round())
    assert set(world.drifts) == {0}
    assert "quota.drift" not in events.names()
    assert set(world.looked_at) == set(world.accounts[:2])
    assert world.waited == [86_400 / 3] * 3


@pytest.mark.parametrize(
    ("sql", "octets"),
    [
        ("UPDATE account SET octets = octets + 7", 7),
        ("UPDATE ledger SET octets = octets - 3", 3),
        ("UPDATE ledger SET messages = 9", 8),
        ("UPDATE content SET size = size + 1", 1),
    ],
)
def test_every_difference_is_found_and_counted(
    world: World, events: Events, sql: str, octets: int
) -> None:
    for account in world.accounts:
        world.file(account)
    world.change(world.accounts[1], sql)
    run(world.auditor.round())
    assert world.drifts[-1] == octets
    assert events["quota.drift"]["account"] == "bob@example.org"
    assert events["quota.drift"]["octets"] == octets
    (entry,) = events["quota.drift"]["entries"]
    assert entry.startswith("1 at ")
    assert "filed INBOX" in entry
    boxes = ["INBOX: 100 octets in 1, found 101 in 1"] if "content" in sql else []
    assert events["quota.drift"]["mailboxes"] == boxes


def test_what_the_hub_says_of_the_same_moment_must_agree(world: World, events: Events) -> None:
    world.file(world.accounts[0])
    with world.engine.hub.file.write() as tx:
        tx.execute("UPDATE activity SET octets = 5")
    run(world.auditor.round())
    assert world.drifts[-1] == 95
    assert events["quota.drift"]["hub"] == "Usage(octets=5, messages=1)"


def known(world: World) -> Usage | None:
    with world.engine.hub.file.read() as tx:
        return usage.known(tx, world.accounts[0])


def test_a_hub_that_has_not_heard_yet_is_no_drift_and_hears_it(
    world: World, events: Events
) -> None:
    world.file(world.accounts[0])
    with world.engine.hub.file.write() as tx:
        tx.execute("UPDATE activity SET octets = 5, ledger_seq = 0")
    run(world.auditor.round())
    run(world.engine.hub.flush())
    assert known(world) == Usage(100, 1)
    assert world.drifts[-1] == 0
    assert events.names() == []


def test_the_hub_follows_a_file_that_is_older_than_what_it_has_heard(
    world: World, events: Events
) -> None:
    world.file(world.accounts[0])
    with world.engine.hub.file.write() as tx:
        tx.execute("UPDATE activity SET octets = 500 WHERE ledger_seq > 0")
        tx.execute("UPDATE activity SET ledger_seq = 77 WHERE ledger_seq > 0")
    run(world.auditor.round())
    run(world.auditor.round())
    assert known(world) == Usage(100, 1)
    assert world.drifts[-1] == 0
    assert events["quota.older_file"]["account"] == "alice@example.org"
    assert events.names() == ["quota.older_file"]


def test_what_the_hub_hears_while_the_file_is_read_is_nothing_odd(
    world: World, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(data: DataDir, account: AccountId) -> Counted | None:
        counted = count(data, account)
        world.file(account)
        return counted

    world.file(world.accounts[0])
    monkeypatch.setattr("mailhub.store.audit.count", late)
    run(world.auditor.look_at(world.accounts[0]))
    assert known(world) == Usage(200, 2)
    assert events.names() == []


def test_a_deleted_account_has_no_drift_any_more(world: World) -> None:
    world.file(world.accounts[0])
    world.change(world.accounts[0], "UPDATE account SET octets = octets + 7")
    run(world.auditor.round())
    with world.engine.hub.file.write() as tx:
        accounts.delete(tx, world.accounts[0], NOW)
    run(world.auditor.round())
    assert world.drifts[-1] == 0


def test_a_damaged_file_is_nobodys_drift(world: World, events: Events) -> None:
    world.file(world.accounts[0])
    path = world.engine.data.account_file(world.accounts[0])
    run(world.engine.store.close_account(world.accounts[0]))
    path.write_bytes(b"nonsense" * 1000)
    assert count(world.engine.data, world.accounts[0]) is None
    run(world.auditor.round())
    assert "quota.drift" not in events.names()

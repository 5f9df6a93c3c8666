"""The store as a whole: open files, upkeep, news between processes, a full disk."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from mailhub.config.options import StoreConfig
from mailhub.interfaces import IAccount, Incoming
from mailhub.model.errors import Damaged, MessageGone, NoSuchMailbox, StorageFull
from mailhub.model.mail import AccountId, Field
from mailhub.model.names import INBOX, mailbox_name
from mailhub.model.numbers import EVERYTHING, NumberSet, Uid
from mailhub.store.runner import InlineRunner
from mailhub.store.sqlite.check import check_account
from mailhub.store.sqlite.files import open_for_check
from mailhub.store.sqlite.seams import LocalAccounts, LocalBell, LocalFiles
from mailhub.store.sqlite.store import SqliteStore, most_open
from tests.events import Events
from tests.harness import run
from tests.store.contract import MESSAGE, Clock

LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 40_000


class Bell(LocalBell):
    """Another process's bell, to be rung by the test."""

    def __init__(self) -> None:
        self.rung: list[int] = []
        self.watching: dict[int, Callable[[], None]] = {}

    def ring(self, account_number: int) -> None:
        self.rung.append(account_number)

    def watch(self, account_number: int, callback: Callable[[], None]) -> Callable[[], None]:
        self.watching[account_number] = callback
        return lambda: self.watching.__delitem__(account_number)


class House:
    """A store with accounts, for tests that look inside."""

    def __init__(self, folder: Path, **config: int) -> None:
        self.files = LocalFiles(folder)
        self.accounts = LocalAccounts()
        self.clock = Clock()
        self.bell = Bell()
        self.runner = InlineRunner()
        self.store = SqliteStore(
            self.files,
            self.accounts,
            self.runner,
            config=StoreConfig(**config),
            bell=self.bell,
            clock=self.clock,
        )
        run(self.store.start())

    def account(self, name: str = "ann") -> IAccount:
        return run(self.store.account(self.accounts.add(f"{name}@example.org")))

    def append(self, account: IAccount, data: bytes = MESSAGE, to: str = INBOX) -> None:
        async def append() -> None:
            staging = account.stage()
            await staging.write(data)
            staged = await staging.finish()
            try:
                await account.append(mailbox_name(to), [Incoming(staged)])
            finally:
                staged.release()

        run(append())

    def inside(self, account: IAccount, sql: str) -> list[tuple[object, ...]]:
        db = open_for_check(self.files.account_file(account.id))
        try:
            return list(db.execute(sql))
        finally:
            db.close()

    def change(self, account: IAccount, sql: str) -> None:
        self.inside(account, sql)

    def prove(self, account: IAccount) -> None:
        db = open_for_check(self.files.account_file(account.id))
        assert check_account(db) == []
        db.close()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, expunge_grace=60, min_free=0)


# --- open files ---------------------------------------------------------------------------


def open_databases() -> int:
    names = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            names.append(os.readlink(f"/proc/self/fd/{fd}"))
        except OSError:
            continue
    return len({name for name in names if name.endswith(".db")})


def test_only_so_many_accounts_are_open_and_all_work(tmp_path: Path) -> None:
    house = House(tmp_path, open_accounts=8, min_free=0)
    accounts = [house.account(f"a{i}") for i in range(20)]

    for _ in range(2):
        for account in accounts:
            house.append(account)
            assert open_databases() <= 8

    assert [run(account.usage()).messages for account in accounts] == [2] * 20
    run(house.store.stop())
    assert open_databases() == 0
    for account in accounts:
        house.prove(account)


def test_an_account_that_is_closed_leaves_an_empty_log(house: House) -> None:
    account = house.account()
    house.append(account)
    path = house.files.account_file(account.id)
    assert path.with_name(path.name + "-wal").stat().st_size > 0

    run(house.store.close_account(account.id))

    assert path.with_name(path.name + "-wal").stat().st_size == 0
    assert run(account.usage()).messages == 1


def test_opening_waits_for_another_process_that_has_the_file_to_itself(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = house.account()
    house.append(account)
    run(house.store.close_account(account.id))
    other = apsw.Connection(str(house.files.account_file(account.id)))
    other.pragma("locking_mode", "exclusive")
    other.execute("BEGIN IMMEDIATE")
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        other.close(True)

    monkeypatch.setattr("mailhub.store.sqlite.connection.time.sleep", nap)
    assert run(account.usage()).messages == 1
    assert naps


def test_descriptors_limit_how_many_accounts_are_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1024, 4096))

    assert most_open(256, 0) == 128
    assert most_open(50, 100) == 50
    assert most_open(256, 400) == 70
    assert most_open(256, 10_000) == 36


def test_logging_in_opens_no_file(house: House) -> None:
    house.account()

    assert list(house.files.path.glob("accounts/*/*")) == []


# --- upkeep -------------------------------------------------------------------------------


def test_expunged_content_goes_after_the_grace_period_and_leaves_tombstones(house: House) -> None:
    account = house.account()
    for _ in range(4):
        house.append(account)
    house.append(account, LARGE)
    inbox = run(account.open(INBOX))
    since = run(inbox.status()).highest_modseq
    run(inbox.remove(NumberSet.of(1, 2, 4, 5)))

    house.clock.now += 50
    house.store.upkeep()
    assert run(inbox.read(Uid(1), 0, 5)) == MESSAGE[:5]
    house.clock.now += 20
    house.store.upkeep()

    with pytest.raises(MessageGone):
        run(inbox.read(Uid(1), 0, 5))
    assert [row[0] for row in run(inbox.rows([Field.SIZE], EVERYTHING)).rows] == [3]
    assert list(run(inbox.changes(since)).vanished) == [1, 2, 4, 5]
    assert house.inside(account, "SELECT low, high FROM tombstone") == [(1, 2), (4, 5)]
    assert house.inside(account, "SELECT count(*) FROM chunk") == [(0,)]
    house.prove(account)


def test_content_that_a_copy_needs_stays(house: House) -> None:
    account = house.account()
    house.append(account)
    run(account.create(mailbox_name("work")))
    inbox = run(account.open(INBOX))
    run(inbox.move(EVERYTHING, mailbox_name("work")))
    house.clock.now += 100
    house.store.upkeep()

    work = run(account.open(mailbox_name("work")))
    assert run(work.read(Uid(1), 0, 1000)) == MESSAGE
    house.prove(account)


def test_of_a_deleted_mailbox_nothing_remains(house: House) -> None:
    account = house.account()
    run(account.create(mailbox_name("work")))
    house.append(account, to="work")
    work = run(account.open(mailbox_name("work")))
    run(work.remove(EVERYTHING))
    house.append(account, to="work")
    run(account.delete(mailbox_name("work")))

    house.store.upkeep()

    for table in ("message", "expunged", "tombstone", "content", "body"):
        assert house.inside(account, f"SELECT count(*) FROM {table}") == [(0,)]
    house.prove(account)


def test_thousands_of_expunged_messages_are_purged_piece_by_piece(house: House) -> None:
    account = house.account()
    house.append(account)
    inbox = run(account.open(INBOX))
    for _ in range(11):
        run(inbox.copy(EVERYTHING, INBOX))
    run(inbox.remove(NumberSet(((2, 2048),))))
    house.clock.now += 100

    house.store.upkeep()

    assert house.inside(account, "SELECT count(*) FROM expunged") == [(0,)]
    assert house.inside(account, "SELECT low, high FROM tombstone") == [(2, 2048)]
    assert run(inbox.read(Uid(1), 0, 1000)) == MESSAGE
    house.prove(account)


def test_staged_chunks_whose_message_never_came_are_collected(house: House) -> None:
    account = house.account()
    house.append(account)
    house.change(account, f"INSERT INTO staging VALUES (77, {int(house.clock.now)})")
    house.change(account, "INSERT INTO chunk VALUES (77, 0, x'00')")

    house.store.upkeep()
    assert house.inside(account, "SELECT count(*) FROM chunk") == [(1,)], "it may still come"
    house.clock.now += 7 * 3600
    house.store.upkeep()

    assert house.inside(account, "SELECT count(*) FROM chunk") == [(0,)]
    house.prove(account)


def test_a_long_message_that_is_refused_leaves_no_chunks(house: House) -> None:
    account = house.account()

    with pytest.raises(NoSuchMailbox):
        house.append(account, LARGE, to="nowhere")

    assert house.inside(account, "SELECT count(*) FROM chunk") == [(0,)]
    house.prove(account)


def test_free_pages_are_given_back(house: House) -> None:
    account = house.account()
    for _ in range(12):
        house.append(account, LARGE)
    inbox = run(account.open(INBOX))
    run(inbox.remove(EVERYTHING))
    before = house.inside(account, "PRAGMA page_count")[0][0]
    assert isinstance(before, int)

    for _ in range(4):
        house.clock.now += 100
        house.append(account)
        house.store.upkeep()

    after = house.inside(account, "PRAGMA page_count")[0][0]
    assert isinstance(after, int)
    assert after < before - 700
    house.prove(account)


def test_upkeep_runs_by_itself(house: House) -> None:
    account = house.account()
    house.append(account)
    run(run(account.open(INBOX)).remove(EVERYTHING))
    house.clock.now += 100

    (timer,) = house.runner.timers
    timer()

    assert house.inside(account, "SELECT count(*) FROM expunged") == [(0,)]
    run(house.store.stop())


# --- news ---------------------------------------------------------------------------------


def test_every_change_rings_the_bell_and_other_processes_rings_are_told(house: House) -> None:
    account = house.account()
    told: list[object] = []
    undo = account.watch(told.append)
    house.append(account)
    number = house.accounts.account(account.id).number
    assert house.bell.rung == [number]
    told.clear()

    house.bell.watching[number]()

    assert told == [None]
    undo()
    assert house.bell.watching == {}


def test_a_failing_watcher_does_not_keep_the_news_from_others(house: House, events: Events) -> None:
    account = house.account()
    told: list[object] = []

    def fail(mailbox: object) -> None:
        raise ZeroDivisionError

    account.watch(fail)
    account.watch(told.append)
    house.append(account)

    assert told == [1]
    assert events["error"]["what"] == "a watcher failed"


def test_what_another_process_wrote_is_seen_at_once(tmp_path: Path) -> None:
    first = House(tmp_path, min_free=0)
    account = first.account()
    first.append(account)
    second = House(tmp_path, min_free=0)
    same = second.account()
    inbox, theirs = run(account.open(INBOX)), run(same.open(INBOX))
    assert list(run(inbox.uids(run(inbox.status()).highest_modseq))) == [1]

    second.append(same)
    run(theirs.remove(NumberSet.of(1)))
    first.append(account)

    status = run(inbox.status())
    assert list(run(inbox.uids(status.highest_modseq))) == [2, 3]
    assert run(theirs.status()) == status
    run(first.store.stop())
    run(second.store.stop())
    first.prove(account)


def test_usage_is_told_to_the_hub_with_its_number(house: House) -> None:
    account = house.account()
    house.append(account)
    house.append(account)

    assert house.accounts.usages[account.id] == (2, run(account.usage()))


# --- limits -------------------------------------------------------------------------------


def test_below_the_free_space_to_be_kept_new_mail_is_refused_and_deleting_works(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = house.account()
    house.append(account)
    monkeypatch.setattr(house.store.space, "_min_free", 2**62)
    house.clock.now += 10

    with pytest.raises(StorageFull):
        account.stage(100)
    with pytest.raises(StorageFull):
        house.append(account)
    inbox = run(account.open(INBOX))
    run(inbox.copy(EVERYTHING, INBOX))
    assert list(run(inbox.remove(EVERYTHING))) == [1, 2]


def test_mailboxes_are_limited(tmp_path: Path) -> None:
    from mailhub.model.errors import LimitReached

    house = House(tmp_path, max_mailboxes=3, min_free=0)
    account = house.account()
    run(account.create(mailbox_name("a")))

    with pytest.raises(LimitReached):
        run(account.create(mailbox_name("b/c")))

    assert [entry.name for entry in run(account.mailboxes())] == ["INBOX", "a"]


def test_uidls_follow_the_configured_format(tmp_path: Path) -> None:
    files, accounts = LocalFiles(tmp_path), LocalAccounts()
    account = accounts.add("ann@example.org")
    for form in ("{uid}.{uidvalidity}", "{uidvalidity:x}-{uid:04}"):
        house = House(tmp_path, min_free=0)
        house.accounts = accounts
        made = SqliteStore(files, accounts, InlineRunner(), uidl_format=form, clock=lambda: 1e9)
        run(made.start())
        handle = run(made.account(AccountId(account)))
        house.append(handle)
        run(run(handle.open(INBOX)).copy(NumberSet.of(1), INBOX))
        uidls = [row[1] for row in run(run(handle.open(INBOX)).rows([Field.UIDL], EVERYTHING)).rows]
        run(made.stop())

    assert uidls == ["1.1000000000", "2.1000000000", "3b9aca00-0003", "3b9aca00-0004"]


def test_a_large_log_is_emptied_and_told(
    house: House, monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    from mailhub.store.sqlite import housekeeping

    monkeypatch.setattr(housekeeping, "CHECKPOINT_FRAMES", 20)
    monkeypatch.setattr(housekeeping, "AGAIN_AFTER_FRAMES", 10)
    monkeypatch.setattr(housekeeping, "LARGE_FRAMES", 60)
    monkeypatch.setattr(housekeeping, "LARGE_TIMEOUT_MS", 1)
    account = house.account()
    reader = None
    for n in range(40):
        house.append(account)
        if n == 2:  # a reader that stays keeps the log from being begun anew
            reader = open_for_check(house.files.account_file(account.id))
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM account").fetchall()
    assert "store.checkpoint" in events.names()
    assert isinstance(reader, apsw.Connection)
    reader.close()
    for _ in range(40):
        house.append(account)
    path = house.files.account_file(account.id)
    assert path.with_name(path.name + "-wal").stat().st_size < 3_000_000
    house.prove(account)


def test_damage_is_told_to_the_administrator(house: House, events: Events) -> None:
    account = house.account()
    house.append(account)
    run(house.store.close_account(account.id))
    path = house.files.account_file(account.id)
    octets = bytearray(path.read_bytes())
    octets[4096:] = b"\xff" * (len(octets) - 4096)
    path.write_bytes(octets)

    with pytest.raises(Damaged):
        run(account.usage())
    with pytest.raises(Damaged):
        house.append(account)

    assert events.names().count("store.damaged") == 2

"""The store on real threads: groups form, order is kept, what is cancelled does no harm."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import CancelledError, Deferred, gatherResults

from mailhub.config.options import StoreConfig
from mailhub.interfaces import IAccount, Incoming, IStaged
from mailhub.model.flags import FlagChange
from mailhub.model.mail import AccountId
from mailhub.model.names import INBOX
from mailhub.model.numbers import EVERYTHING, NumberSet
from mailhub.model.search import BodyContains
from mailhub.net.agenda import Agenda
from mailhub.store.runner import ThreadRunner
from mailhub.store.sqlite import flagging, moving
from mailhub.store.sqlite.check import check_account
from mailhub.store.sqlite.files import open_for_check
from mailhub.store.sqlite.seams import LocalAccounts, LocalFiles
from mailhub.store.sqlite.store import SqliteStore
from tests.store.contract import MESSAGE
from tests.store.loop import Loop


class Threads:
    def __init__(self, folder: Path) -> None:
        self.loop = Loop()
        self.runner = ThreadRunner(self.loop, Agenda(self.loop), readers=2, writers=3)
        self.runner.start()
        self.files = LocalFiles(folder)
        self.accounts = LocalAccounts()
        config = StoreConfig(min_free=0, open_accounts=8)
        self.store = SqliteStore(self.files, self.accounts, self.runner, config=config)
        self.loop.run(self.store.start())

    def account(self, name: str) -> IAccount:
        return self.loop.run(self.store.account(self.accounts.add(name)))

    async def staged(self, data: bytes = MESSAGE) -> IStaged:
        staging = self.store.stage()
        await staging.write(data)
        return await staging.finish()

    async def append(self, account: IAccount, data: bytes = MESSAGE) -> int:
        staged = await self.staged(data)
        appended = await account.append(INBOX, [Incoming(staged)])
        staged.release()
        return appended.uids.lowest

    def prove(self, account: AccountId) -> None:
        db = open_for_check(self.files.account_file(account))
        assert check_account(db) == []
        db.close()


@pytest.fixture
def threads(tmp_path: Path) -> Iterator[Threads]:
    made = Threads(tmp_path)
    yield made
    made.loop.run(made.store.stop())
    made.runner.stop()
    for account in made.accounts.records:
        made.prove(account)


def test_many_at_once_on_one_account_are_filed_in_their_order(threads: Threads) -> None:
    account = threads.account("ann")

    async def all_of_them() -> list[int]:
        work = [Deferred.fromCoroutine(threads.append(account)) for _ in range(100)]
        return await gatherResults(work)

    assert threads.loop.run(all_of_them()) == list(range(1, 101))


def test_more_accounts_than_may_be_open_at_once_all_work(threads: Threads) -> None:
    accounts = [threads.account(f"a{n}") for n in range(15)]

    async def all_of_them() -> list[int]:
        work = [
            Deferred.fromCoroutine(threads.append(account, MESSAGE * size))
            for size in (1, 3, 6_000)
            for account in accounts
        ]
        return await gatherResults(work)

    assert sorted(threads.loop.run(all_of_them())) == [1] * 15 + [2] * 15 + [3] * 15


def test_readers_and_writers_do_not_disturb_each_other(threads: Threads) -> None:
    account = threads.account("ann")

    async def write() -> None:
        for n in range(40):
            await threads.append(account)
            inbox = await account.open(INBOX)
            await inbox.store(NumberSet.of(n), FlagChange.ADD, frozenset({"\\Seen"}))

    async def read() -> None:
        inbox = await account.open(INBOX)
        for _ in range(40):
            status = await inbox.status()
            assert len(await inbox.uids(status.highest_modseq)) == status.exists
            found = await inbox.search(BodyContains("tea"))
            assert len(found.uids) >= status.exists
            assert len((await inbox.flags(EVERYTHING)).uids) >= status.exists

    async def both() -> None:
        await gatherResults([Deferred.fromCoroutine(work()) for work in (write, read, read)])

    threads.loop.run(both())


def test_news_come_after_the_change_can_be_read_in_order(threads: Threads) -> None:
    account = threads.account("ann")
    told: list[object] = []
    account.watch(told.append)

    async def work() -> None:
        for _ in range(5):
            await threads.append(account)

    threads.loop.run(work())
    assert told == [1] * 5


def test_a_client_that_leaves_while_its_message_is_filed_does_no_harm(threads: Threads) -> None:
    account = threads.account("ann")
    large = b"Subject: x\r\n\r\n" + b"y" * 1_000_000
    staged = threads.loop.run(threads.staged(large))
    gone = Deferred.fromCoroutine(account.append(INBOX, [Incoming(staged)]))
    gone.addErrback(lambda failure: failure.trap(CancelledError))
    gone.cancel()
    staged.release()

    assert threads.loop.run(threads.append(account)) >= 1
    assert threads.loop.run(account.usage()).messages >= 1


@pytest.mark.parametrize(("most", "in_reactor"), [(16, True), (17, False)])
def test_changes_of_a_few_messages_run_in_the_reactor_and_larger_ones_in_a_thread(
    threads: Threads, monkeypatch: pytest.MonkeyPatch, most: int, in_reactor: bool
) -> None:
    account = threads.account("ann")
    threads.loop.run(threads.append(account))
    ran: list[bool] = []
    for module, name in (
        (flagging, "store"),
        (moving, "copy"),
        (moving, "move"),
        (moving, "expunge"),
        (moving, "remove"),
    ):
        monkeypatch.setattr(module, name, watched(getattr(module, name), ran))

    async def change() -> None:
        box = await account.open(INBOX)
        uids = NumberSet(((1, most),))
        await box.store(uids, FlagChange.ADD, frozenset({"\\Deleted"}))
        await box.copy(uids, INBOX)
        await box.move(uids, INBOX)
        await box.expunge(uids)
        await box.remove(uids)

    threads.loop.run(change())

    assert ran == [in_reactor] * 5


def watched(work: Callable[..., object], ran: list[bool]) -> Callable[..., object]:
    """*work*, telling whether the reactor ran it."""

    def run(*args: object) -> object:
        ran.append(threading.current_thread() is threading.main_thread())
        return work(*args)

    return run

"""The journal: what a power loss takes is filed again, and nothing else."""

from __future__ import annotations

import errno
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from mailhub.config.options import StoreConfig
from mailhub.interfaces import IAccount, Incoming
from mailhub.model.errors import Damaged, NoSuchMailbox, Unavailable
from mailhub.model.flags import FlagChange
from mailhub.model.mail import AccountId, Appended, InternalDate, MailboxId
from mailhub.model.names import INBOX, mailbox_name
from mailhub.model.numbers import NumberSet
from mailhub.net.locks import try_lock
from mailhub.store.runner import InlineRunner
from mailhub.store.sqlite import files, journal, journalfile, replay, transaction
from mailhub.store.sqlite.files import open_account
from mailhub.store.sqlite.groupcommit import Committed, GroupCommit, Prepared
from mailhub.store.sqlite.journalfile import (
    FiledGroup,
    FiledLetter,
    Folder,
    JournalFile,
    parse_group,
    record,
    records,
)
from mailhub.store.sqlite.store import SqliteStore
from tests.events import Events
from tests.harness import run, start
from tests.store.sqlite.powercut import power
from tests.store.sqlite.test_store import House

# --- records ------------------------------------------------------------------------------


def group(*octets: bytes, before: int = 7) -> FiledGroup:
    letters = [
        FiledLetter(MailboxId(1), n, n + 10, ("\\Seen", "ünï"), InternalDate(5, -90), "u", each)
        for n, each in enumerate(octets, 1)
    ]
    return FiledGroup(AccountId("0a"), before, 1_000_000, letters)


def written(edition: bytes, *pieces: list[bytes]) -> bytes:
    return b"".join(b"".join(record(edition, each)) for each in pieces)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\n",
        b"{}",
        b"[1,2]\n",
        b'["a",1,2,[[1]]]\n',
        b'["a",1,2,[[1,1,1,[],0,0,null,5]]]\nabc',
    ],
)
def test_what_is_no_record_is_damage(payload: bytes) -> None:
    with pytest.raises(Damaged):
        parse_group(payload)


@given(octets=st.lists(st.binary(max_size=50), min_size=1, max_size=4))
def test_a_record_is_read_as_it_was_written(octets: list[bytes]) -> None:
    filed = group(*octets)

    assert parse_group(b"".join(filed.pieces())) == filed


@given(end=st.integers(0, 400), at=st.integers(0, 399))
def test_reading_ends_before_what_is_not_whole(end: int, at: int) -> None:
    pieces = [group(b"w").pieces(), group(b"x" * 60).pieces(), group(b"y" * 70).pieces()]
    whole = [b"".join(each) for each in pieces]
    data = written(b"edition1", *pieces)
    wrong = bytearray(data)
    wrong[at % len(data)] ^= 1

    found = list(records(data[:end]))
    assert found == whole[: len(found)]
    assert (len(found) == len(whole)) == (end >= len(data))
    found = list(records(bytes(wrong)))
    assert found == whole[: len(found)]
    assert len(found) < len(whole)


def test_what_an_earlier_use_has_left_is_not_read() -> None:
    old = written(b"edition1", *[group(b"old").pieces()] * 3)
    new = written(b"edition2", group(b"new").pieces())
    assert len(old) > len(new)

    assert len(list(records(new + old[len(new) :]))) == 1


# --- after a power loss -------------------------------------------------------------------


class Boots:
    """Houses on a folder whose power fails between them; each is a boot of its own.

    Unless a test says that only the disk went away: ``same_boot``.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "boot0"
        self.folder.mkdir()
        self._monkeypatch = monkeypatch
        self._count = 0
        self.same_boot = False
        self._boot()

    def _boot(self) -> None:
        boot = f"boot {self._count}"
        for module in (transaction, files):
            self._monkeypatch.setattr(module, "boot_id", lambda: boot)

    def house(self) -> House:
        return House(self.folder, min_free=0)

    def fail(self, live: Callable[[House], object], spoil: Callable[[Path], object] = id) -> None:
        """Let *live* do something, and lose all that nobody has waited for."""
        after = self.folder.with_name(f"boot{self._count + 1}")
        with power() as source:
            house = self.house()
            live(house)
            source.cut(self.folder, after, Forgetful())
            run(house.store.stop())
        self._count += 1
        self.folder = after
        spoil(after)
        if not self.same_boot:
            self._boot()


class Forgetful(random.Random):
    """Nothing that was not synced is there."""

    def random(self) -> float:
        return 1.0


@pytest.fixture
def boots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Boots:
    return Boots(tmp_path, monkeypatch)


def letter(number: int, filler: int = 3_000) -> bytes:
    return b"Subject: m%d\r\nMessage-ID: <%d@x>\r\n\r\n" % (number, number) + b"x" * filler


def subjects(house: House, account: IAccount) -> list[tuple[int, str]]:
    found = house.inside(
        account, "SELECT uid, subject FROM message JOIN content ON id = content ORDER BY 1"
    )
    return [(int(str(uid)), str(subject)) for uid, subject in found]


def append(
    account: IAccount,
    data: bytes,
    *flags: str,
    date: int | None = None,
    mailbox: str = INBOX,
) -> Appended:
    async def filed() -> Appended:
        staging = account.stage()
        await staging.write(data)
        staged = await staging.finish()
        received = None if date is None else InternalDate(date, 120)
        incoming = Incoming(staged, frozenset(flags), received)
        return await account.append(mailbox_name(mailbox), [incoming])

    return run(filed())


KEPT = (
    "SELECT uid, uidl, flags, received, zone, saved, message.size, content, thread, subject"
    " FROM message JOIN content ON id = content ORDER BY uid"
)


def test_a_message_that_is_only_in_the_journal_is_filed_again_as_it_was(boots: Boots) -> None:
    before: list[tuple[object, ...]] = []

    def live(house: House) -> None:
        account = house.account()
        append(account, letter(0))  # opens the file and waits for its log
        append(account, letter(1), "\\Seen", "red", date=77)
        append(account, letter(2) + b"\r\n.\r\nnever mind\r\n", "blue")
        before.extend(house.inside(account, KEPT))

    boots.fail(live)

    house = boots.house()
    account = house.account()
    house.prove(account)
    assert house.inside(account, KEPT) == before
    assert [subject for _, subject in subjects(house, account)] == ["m0", "m1", "m2"]
    assert not list((boots.folder / "journal").glob("*.journal"))
    assert append(account, letter(3)).uids.lowest > 1_000  # what nobody was told may have been seen
    run(house.store.stop())


def test_a_disk_that_went_away_and_came_back_is_like_a_power_loss(boots: Boots) -> None:
    def live(house: House) -> None:
        account = house.account()
        append(account, letter(0))
        append(account, letter(1))

    boots.same_boot = True
    boots.fail(live)

    house = boots.house()
    account = house.account()
    house.prove(account)
    assert [subject for _, subject in subjects(house, account)] == ["m0", "m1"]
    assert append(account, letter(2)).uids.lowest > 1_000
    run(house.store.stop())


def test_mail_for_a_mailbox_that_an_older_copy_of_the_account_lacks_is_filed_in_inbox(
    boots: Boots,
) -> None:
    def live(house: House) -> None:
        account = house.account()
        run(account.create(mailbox_name("work")))
        append(account, letter(0))
        append(account, letter(1), mailbox="work")

    def spoil(folder: Path) -> None:
        (path,) = (folder / "accounts").glob("*/*.db")
        with closing(apsw.Connection(str(path))) as db:
            db.execute("DELETE FROM mailbox WHERE name = 'work'")

    boots.fail(live, spoil)

    house = boots.house()
    account = house.account()
    assert sorted(subject for _, subject in subjects(house, account)) == ["m0", "m1"]
    house.prove(account)
    run(house.store.stop())


def test_without_its_journal_the_message_would_be_lost(boots: Boots) -> None:
    def live(house: House) -> None:
        account = house.account()
        append(account, letter(0))
        append(account, letter(1))

    def spoil(folder: Path) -> None:
        (found,) = (folder / "journal").glob("*.journal")
        found.unlink()

    boots.fail(live, spoil)

    house = boots.house()
    assert subjects(house, house.account()) == [(1, "m0")]
    run(house.store.stop())


def test_what_another_process_never_acknowledged_may_be_missing_between(boots: Boots) -> None:
    """Its commit came before ours, its journal was never written."""

    def live(house: House) -> None:
        account = house.account()
        append(account, letter(0))
        other = SqliteStore(
            house.files, house.accounts, InlineRunner(), config=StoreConfig(min_free=0)
        )
        run(other.start())
        theirs = run(other.account(account.id))
        append(theirs, letter(1))  # opens the file
        append(theirs, letter(2))
        append(account, letter(3))
        append(account, letter(4))
        others.append(other)

    others: list[SqliteStore] = []

    def spoil(folder: Path) -> None:
        for path in (folder / "journal").glob("*.journal"):
            if b"Subject: m2" in path.read_bytes():
                path.unlink()

    boots.fail(live, spoil)
    run(others[0].stop())

    house = boots.house()
    account = house.account()
    house.prove(account)
    assert subjects(house, account) == [(1, "m0"), (2, "m1"), (4, "m3"), (5, "m4")]
    ((seq,),) = house.inside(account, "SELECT ledger_seq FROM account")
    assert int(str(seq)) > 5  # what the hub has heard of the five is older
    run(house.store.stop())


def test_what_was_changed_durably_since_is_not_filed_again(boots: Boots) -> None:
    def live(house: House) -> None:
        account = house.account()
        append(account, letter(0))
        uids = append(account, letter(1)).uids
        run(account.create(mailbox_name("Archive")))
        inbox = run(account.open(INBOX))
        run(inbox.move(uids, mailbox_name("Archive")))
        run(run(account.open(INBOX)).store(NumberSet.of(1), FlagChange.ADD, frozenset({"\\Seen"})))
        append(account, letter(2))

    boots.fail(live)

    house = boots.house()
    account = house.account()
    house.prove(account)
    assert sorted(subject for _, subject in subjects(house, account)) == ["m0", "m1", "m2"]
    run(house.store.stop())


def test_replaying_that_is_interrupted_can_be_done_again(
    boots: Boots, monkeypatch: pytest.MonkeyPatch
) -> None:
    def live(house: House) -> None:
        for name in ("ann", "bob"):
            account = house.account(name)
            append(account, letter(0))
            append(account, letter(1))
            append(account, letter(2))

    boots.fail(live)
    with monkeypatch.context() as patched:

        def fail(accounts: object) -> None:
            raise OSError(errno.EIO, "the disk is tired")

        patched.setattr("mailhub.store.sqlite.replay.sync_logs", fail)
        with pytest.raises(Unavailable, match="tired"):
            boots.house()

    house = boots.house()
    for name in ("ann", "bob"):
        account = house.account(name)
        house.prove(account)
        assert subjects(house, account) == [(1, "m0"), (2, "m1"), (3, "m2")]
    run(house.store.stop())


def test_the_journal_of_a_damaged_account_is_kept(boots: Boots, events: Events) -> None:
    def live(house: House) -> None:
        for name in ("ann", "bob"):
            account = house.account(name)
            append(account, letter(0))
            append(account, letter(1))

    def spoil(folder: Path) -> None:
        path = folder / "accounts" / "00" / "00000001.db"
        path.write_bytes(b"something else" * 1_000)
        path.with_name(f"{path.name}-wal").unlink()

    boots.fail(live, spoil)

    house = boots.house()
    house.account("ann")
    assert subjects(house, house.account("bob")) == [(1, "m0"), (2, "m1")]
    assert len(list((boots.folder / "journal").glob("*.journal"))) == 1
    assert "store.damaged" in [event["event"] for event in events]
    run(house.store.stop())


# --- files --------------------------------------------------------------------------------


def journals(house: House) -> list[Path]:
    return list((house.files.path / "journal").glob("*.journal"))


def test_a_store_that_is_stopped_leaves_no_journal(tmp_path: Path) -> None:
    house = House(tmp_path, min_free=0)
    account = house.account()
    for number in range(3):
        append(account, letter(number))
    assert len(journals(house)) == 1

    run(house.store.stop())

    assert journals(house) == []


def test_the_journal_of_a_process_that_died_goes_and_files_nothing_again(tmp_path: Path) -> None:
    house = House(tmp_path, min_free=0)
    account = house.account()
    for number in range(3):
        append(account, letter(number))
    alive = House(tmp_path, min_free=0)  # as long as somebody writes it, it stays
    assert len(journals(house)) == 1
    left = journals(house)[0].read_bytes()
    run(house.store.stop())
    (tmp_path / "journal" / "1-dead.journal").write_bytes(left)

    house = House(tmp_path, min_free=0)

    assert journals(house) == []
    account = house.account()
    house.prove(account)
    assert len(subjects(house, account)) == 3
    run(alive.store.stop())
    run(house.store.stop())


@pytest.mark.parametrize("moment", ["listed", "opened"])
def test_a_journal_whose_writer_removes_it_meanwhile_is_nobodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    folder = Folder(tmp_path / "journal")
    file = folder.new_file()
    file.begin()
    real_open = os.open

    def opened(path: Path, *how: int) -> int:
        if path == file.path and moment == "listed":
            file.remove()
        return real_open(path, *how)

    def locked(fd: int, byte: int) -> bool:
        if moment == "opened":
            file.remove()
        return try_lock(fd, byte)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(journalfile, "try_lock", locked)

    assert folder.abandoned() == []
    assert list(folder.path.glob("*.journal")) == []


def test_a_dead_process_that_left_nothing_to_file_again_keeps_no_writer_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, min_free=0)
    account = house.account()
    for number in range(3):
        append(account, letter(number))
    left = journals(house)[0].read_bytes()
    run(house.store.stop())
    dead = tmp_path / "journal" / "1-dead.journal"
    dead.write_bytes(left)
    monkeypatch.setattr(replay, "BUSY_TIMEOUT_MS", 50)

    path = house.files.account_file(account.id)
    with closing(open_account(path, account.id, busy_timeout_ms=0)) as db:
        db.execute("BEGIN IMMEDIATE")
        house = House(tmp_path, min_free=0)

    assert not dead.exists()
    run(house.store.stop())


def test_full_files_are_used_again_when_the_logs_are_on_the_disk(
    boots: Boots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "FILE_OCTETS", 20_000)
    monkeypatch.setattr(journalfile, "ROOM_OCTETS", 0)
    made: list[Path] = []
    real = JournalFile.__init__

    def counted(self: JournalFile, path: Path) -> None:
        made.append(path)
        real(self, path)

    monkeypatch.setattr(JournalFile, "__init__", counted)

    def live(house: House) -> None:
        account = house.account()
        for number in range(60):
            append(account, letter(number))
        assert len(made) == 1

    boots.fail(live)

    house = boots.house()
    account = house.account()
    house.prove(account)
    assert subjects(house, account) == [(n + 1, f"m{n}") for n in range(60)]
    run(house.store.stop())


# --- a journal that cannot be written -----------------------------------------------------


def broken(self: JournalFile, data: bytes) -> None:
    raise OSError(errno.ENOSPC, "no space left")


def test_without_a_journal_the_log_is_waited_for(
    boots: Boots, monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    waited: list[object] = []
    monkeypatch.setattr(os, "fdatasync", waited.append)
    monkeypatch.setattr(JournalFile, "write", broken)
    house = boots.house()
    account = house.account()
    append(account, letter(0))
    assert not waited

    append(account, letter(1))

    assert waited
    assert subjects(house, account) == [(1, "m0"), (2, "m1")]
    assert [e["reason"] for e in events if e["event"] == "store.journal"] == [
        "[Errno 28] no space left"
    ]
    run(house.store.stop())


def test_a_journal_that_could_not_be_written_is_left_alone_for_a_while(
    boots: Boots, monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    now = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(JournalFile, "write", broken)

    def told() -> int:
        return sum(event["event"] == "store.journal" for event in events)

    def live(house: House) -> None:
        nonlocal now
        account = house.account()
        for number in range(9):
            append(account, letter(number))
        assert told() == 1
        now += 2
        append(account, letter(9))
        assert told() == 2

    boots.fail(live)

    house = boots.house()
    account = house.account()
    assert [subject for _, subject in subjects(house, account)] == [f"m{n}" for n in range(10)]
    run(house.store.stop())


def test_when_the_log_cannot_be_waited_for_either_nothing_is_acknowledged(
    boots: Boots, monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    def tired(fd: int) -> None:
        raise OSError(errno.EIO, "tired")

    house = boots.house()
    account = house.account()
    append(account, letter(0))
    with monkeypatch.context() as patched:
        patched.setattr(JournalFile, "write", broken)
        patched.setattr(os, "fdatasync", tired)
        with pytest.raises(Unavailable):
            append(account, letter(1))
    assert "store.fenced" in [event["event"] for event in events]

    append(account, letter(2))  # after the whole log has been moved to the database

    house.prove(account)
    run(house.store.stop())


# --- order --------------------------------------------------------------------------------


class SlowRunner(InlineRunner):
    """Writer threads that begin when the test lets them."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[Callable[[], None]] = []

    def write(self, fn: Callable[[], None]) -> None:
        self.writes.append(fn)

    wait = write

    def finish(self) -> None:
        while self.writes:
            self.writes.pop(0)()


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, min_free=0)
    house.runner = runner = SlowRunner()
    house.store = SqliteStore(
        house.files, house.accounts, runner, config=StoreConfig(min_free=0), bell=house.bell
    )
    run(house.store.start())
    yield house
    stopping = start(house.store.stop())
    runner.finish()
    assert stopping.done


def opened(house: House, name: str) -> IAccount:
    account = house.account(name)
    assert isinstance(house.runner, SlowRunner)
    filing = start(_file(account, letter(0)))
    house.runner.finish()
    assert filing.done
    return account


async def _file(account: IAccount, data: bytes, to: str = INBOX) -> Appended:
    staging = account.stage()
    await staging.write(data)
    return await account.append(mailbox_name(to), [Incoming(await staging.finish())])


def test_nothing_is_told_before_the_journal_has_it(slow: House) -> None:
    account = opened(slow, "ann")
    slow.bell.rung.clear()

    filing = start(_file(account, letter(1)))

    assert len(subjects(slow, account)) == 2  # it can be seen
    assert not filing.done
    assert slow.bell.rung == []
    assert isinstance(slow.runner, SlowRunner)
    slow.runner.finish()
    assert filing.result.uids.lowest == 2
    assert slow.bell.rung == [1]


def test_what_comes_during_a_write_shares_the_next(
    slow: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = [opened(slow, f"a{n}") for n in range(6)]
    writes: list[int] = []
    real = JournalFile.write

    def counted(self: JournalFile, data: bytes) -> None:
        writes.append(len(data))
        real(self, data)

    monkeypatch.setattr(JournalFile, "write", counted)

    filings = [start(_file(account, letter(1))) for account in accounts]
    assert isinstance(slow.runner, SlowRunner)
    slow.runner.finish()

    assert all(filing.done for filing in filings)
    assert len(writes) == 2
    assert writes[1] > 4 * writes[0]


def test_a_refusal_beside_it_is_not_in_the_journal(slow: House) -> None:
    account = opened(slow, "ann")
    first = start(_file(account, letter(1)))  # those that follow make a group
    filings = [
        start(_file(account, letter(n), to)) for n, to in ((2, INBOX), (3, "No"), (4, INBOX))
    ]
    assert isinstance(slow.runner, SlowRunner)
    slow.runner.finish()

    assert first.result.uids.lowest == 2
    assert [filings[0].result.uids.lowest, filings[2].result.uids.lowest] == [3, 4]
    with pytest.raises(NoSuchMailbox):
        filings[1].result  # noqa: B018
    (path,) = journals(slow)
    groups = [parse_group(payload) for payload in records(path.read_bytes())]
    assert [[each.uid for each in one.letters] for one in groups] == [[2], [3, 4]]


def test_flag_changes_in_a_row_do_not_pile_up(slow: House) -> None:
    """Each is given when the one before is done, and none waits for a thread."""
    account = opened(slow, "ann")
    inbox = run(account.open(INBOX))
    filing = start(_file(account, letter(1)))
    done: list[int] = []

    async def change() -> None:
        for number in range(2_000):
            action = (FlagChange.ADD, FlagChange.REMOVE)[number % 2]
            await inbox.store(NumberSet.of(1), action, frozenset({"\\Seen"}))
            done.append(number)

    changing = Deferred.fromCoroutine(change())
    assert done == []
    assert isinstance(slow.runner, SlowRunner)
    while not filing.done or slow.runner.writes:
        slow.runner.finish()

    assert changing.called
    assert len(done) == 2_000


def test_a_store_may_be_stopped_twice(tmp_path: Path) -> None:
    house = House(tmp_path, min_free=0)
    account = house.account()
    for number in range(3):
        append(account, letter(number))

    for _ in range(2):
        run(house.store.stop())

    assert journals(house) == []


def test_while_the_disk_is_slow_threads_commit(
    slow: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = opened(slow, "ann")
    clock = [100.0]
    monkeypatch.setattr("mailhub.store.sqlite.journal.time.monotonic", lambda: clock[0])
    real = GroupCommit.commit_here

    def held_up(self: GroupCommit, prepared: Prepared) -> Committed | None:
        committed = real(self, prepared)
        assert committed is not None
        committed.seconds = journal.SLOW_SECONDS * 2
        return committed

    def filed() -> int:
        filing = start(_file(account, letter(1)))
        assert isinstance(slow.runner, SlowRunner)
        slow.runner.finish()
        assert filing.done
        (path,) = journals(slow)
        return len(list(records(path.read_bytes())))

    monkeypatch.setattr(GroupCommit, "commit_here", held_up)
    assert filed() == 1
    assert filed() == 1  # not in the journal, but durable by its own commit
    monkeypatch.setattr(GroupCommit, "commit_here", real)
    clock[0] += journal.SHUN_SECONDS
    assert filed() == 2

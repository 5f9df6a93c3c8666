"""The five rules of group commit, with a disk that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from mailhub.model.errors import CannotDo, Damaged, StorageFull, Unavailable
from mailhub.model.mail import AccountId, MailboxId
from mailhub.store.sqlite.check import check_account
from mailhub.store.sqlite.connection import LONGEST_NAP_SECONDS, wait_for_others
from mailhub.store.sqlite.files import create_account, make_template, open_account
from mailhub.store.sqlite.groupcommit import Committed, GroupCommit, Job, Prepared
from mailhub.store.sqlite.transaction import Tx
from tests.store.sqlite.faults import Disk, faulty_disk

ACCOUNT = AccountId("00000001")


@pytest.fixture
def disk() -> Iterator[Disk]:
    with faulty_disk() as disk:
        yield disk


@pytest.fixture
def path(tmp_path: Path, disk: Disk) -> Path:
    path = tmp_path / "account.db"
    create_account(make_template(tmp_path), path, ACCOUNT, 1_000_000)
    return path


class Group:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.fences: list[str] = []
        self.commit = GroupCommit(self.connect, lambda: 1_000_000.0, self.fenced)
        self.other = self.connect()

    def connect(self) -> apsw.Connection:
        return open_account(self.path, ACCOUNT, busy_timeout_ms=0)

    def fenced(self, error: Exception) -> None:
        self.fences.append(str(error))

    def run(self, *works: Callable[[Tx], object], durable: bool = True) -> list[Job]:
        jobs = [Job(work, durable) for work in works]
        self.last: Committed = self.commit.run(jobs)
        assert all(job.done for job in jobs)
        return jobs

    def stored(self) -> list[str]:
        """What another process sees."""
        return [str(name) for (name,) in self.other.execute("SELECT name FROM subscription")][1:]

    def limit_size(self, more_pages: int) -> None:
        db = self.commit.db
        assert db is not None
        pages = db.pragma("page_count")
        db.pragma("max_page_count", pages + more_pages)


@pytest.fixture
def group(path: Path) -> Iterator[Group]:
    group = Group(path)
    yield group
    assert check_account(group.other) == []
    group.other.close()
    group.commit.close()


def add(name: str) -> Callable[[Tx], object]:
    def work(tx: Tx) -> str:
        tx.execute("INSERT INTO subscription VALUES (?)", (name,))
        tx.touched.append(MailboxId(len(name)))
        tx.next_modseq()
        return name

    return work


def refuse(tx: Tx) -> None:
    tx.execute("INSERT INTO subscription VALUES ('refused')")
    tx.touched.append(MailboxId(99))
    tx.charge("filed", MailboxId(1), 1000, 1)
    raise CannotDo


def fill(tx: Tx) -> None:
    """More than :meth:`Group.limit_size` leaves room for."""
    tx.execute("INSERT INTO body VALUES (1, zeroblob(1000000), NULL)")


def break_transaction(tx: Tx) -> None:
    """What SQLite does by itself on some errors."""
    tx.execute("INSERT INTO subscription VALUES ('broken')")
    tx.execute("ROLLBACK")
    raise apsw.FullError("injected")


def results(jobs: list[Job]) -> list[object]:
    return [type(job.failure) if job.failure else job.result for job in jobs]


def test_a_group_is_stored_and_each_job_has_its_result(group: Group) -> None:
    assert results(group.run(add("a"), add("bb"), add("ccc"))) == ["a", "bb", "ccc"]
    assert group.stored() == ["a", "bb", "ccc"]
    assert group.last.touched == [1, 2, 3]


def test_a_refused_job_leaves_nothing_and_hurts_nobody(group: Group) -> None:
    jobs = group.run(add("a"), refuse, add("bb"))

    assert results(jobs) == ["a", CannotDo, "bb"]
    assert group.stored() == ["a", "bb"]
    assert group.last.touched == [1, 2]
    assert group.last.usage is None


def test_a_job_refused_alone_leaves_nothing(group: Group) -> None:
    assert results(group.run(refuse)) == [CannotDo]
    assert group.stored() == []
    assert group.last.touched == []
    assert results(group.run(add("a"))) == ["a"]


def test_our_own_mistakes_are_handed_back_as_they_are(group: Group) -> None:
    def mistake(tx: Tx) -> None:
        raise ZeroDivisionError

    assert results(group.run(add("a"), mistake)) == ["a", ZeroDivisionError]


def test_a_job_that_kills_the_transaction_fails_alone(group: Group) -> None:
    jobs = group.run(add("a"), break_transaction, add("bb"), refuse)

    assert results(jobs) == ["a", StorageFull, "bb", CannotDo]
    assert group.stored() == ["a", "bb"]
    assert group.last.touched == [1, 2]


def test_who_fills_the_disk_fails_and_the_others_are_stored(group: Group) -> None:
    group.run(add("first"))
    group.limit_size(5)

    jobs = group.run(add("a"), fill, add("bb"))

    assert results(jobs) == ["a", StorageFull, "bb"]
    assert group.stored() == ["a", "bb", "first"]


def test_a_commit_that_finds_the_disk_full_is_tried_job_by_job(group: Group, disk: Disk) -> None:
    group.run(add("first"))
    runs: list[str] = []

    def heavy(tx: Tx) -> None:
        runs.append("heavy")
        disk.full = True

    def light(tx: Tx) -> str:
        runs.append("light")
        disk.full = False
        add("light")(tx)
        disk.full = "heavy" in runs[-2:-1]
        return "light"

    jobs = group.run(heavy, light)
    disk.full = False

    assert runs == ["heavy", "light", "heavy", "light"]
    assert jobs[0].failure is None  # it wrote nothing, so its commit needed no space
    assert isinstance(jobs[1].failure, StorageFull)
    assert group.stored() == ["first"]
    assert results(group.run(add("a"))) == ["a"]


def test_a_failing_sync_is_never_acknowledged_and_fences(group: Group, disk: Disk) -> None:
    group.run(add("first"))
    disk.fail_syncs = True

    assert results(group.run(add("a"), add("bb"))) == [Unavailable, Unavailable]
    assert len(group.fences) == 1
    assert group.stored() == ["first"]
    assert results(group.run(add("a"))) == [Unavailable], "the fence stays while the disk fails"

    disk.fail_syncs = False
    assert results(group.run(add("ccc"))) == ["ccc"]
    assert group.stored() == ["ccc", "first"], "what was reported as failed is not there"


def test_what_failed_stays_away_when_the_file_is_opened_anew(path: Path, disk: Disk) -> None:
    group = Group(path)
    group.run(add("first"))
    disk.fail_syncs = True
    group.run(add("a"))
    disk.fail_syncs = False
    group.run(add("bb"))
    group.commit.close()
    group.other.close()

    db = group.connect()
    assert [n for (n,) in db.execute("SELECT name FROM subscription")] == ["INBOX", "bb", "first"]


@pytest.mark.parametrize("writes", range(0, 14))
def test_whichever_write_fails_all_or_nothing_is_stored(
    group: Group, disk: Disk, writes: int
) -> None:
    group.run(add("first"))
    disk.writes_left = writes

    jobs = group.run(add("a"), add("bb"))
    disk.writes_left = None

    if jobs[0].failure is None:
        assert (results(jobs), group.stored()) == (["a", "bb"], ["a", "bb", "first"])
    else:
        assert (results(jobs), group.stored()) == ([Unavailable] * 2, ["first"])
    assert results(group.run(add("ccc"))) == ["ccc"]


def test_another_process_in_the_way_is_a_temporary_refusal(group: Group) -> None:
    group.other.execute("BEGIN IMMEDIATE")
    try:
        assert results(group.run(add("a"))) == [Unavailable]
    finally:
        group.other.execute("ROLLBACK")
    assert results(group.run(add("a"))) == ["a"]


def test_another_process_is_waited_for_in_short_naps_and_not_for_ever(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []
    monkeypatch.setattr("mailhub.store.sqlite.connection.time.sleep", naps.append)
    monkeypatch.setattr("mailhub.store.sqlite.connection.time.monotonic", lambda: sum(naps))
    waiting = group.connect()
    wait_for_others(waiting, 10_000)
    group.other.execute("BEGIN IMMEDIATE")
    with pytest.raises(apsw.BusyError):
        waiting.execute("BEGIN IMMEDIATE")
    group.other.execute("ROLLBACK")
    waiting.close()
    assert sum(naps) == pytest.approx(10, abs=0.01)
    assert max(naps) <= LONGEST_NAP_SECONDS
    assert len(naps) > 2_000


def test_a_file_that_cannot_be_opened_is_a_refusal(group: Group, tmp_path: Path) -> None:
    lost = GroupCommit(
        lambda: open_account(tmp_path / "lost.db", ACCOUNT, busy_timeout_ms=0),
        lambda: 0.0,
        group.fenced,
    )
    job = Job(add("a"))

    lost.run([job])

    assert isinstance(job.failure, Damaged)


# --- modseqs and durability ---------------------------------------------------------------


def modseqs(group: Group) -> tuple[int, int]:
    row = group.other.execute("SELECT modseq, modseq_ceiling FROM account").fetchall()[0]
    return int(row[0] or 0), int(row[1] or 0)


def test_the_ceiling_is_raised_before_it_is_reached(group: Group) -> None:
    group.run(lambda tx: tx.execute("UPDATE account SET modseq = modseq_ceiling - 10"))
    group.commit.close()  # so that the row is read again
    before, ceiling = modseqs(group)

    group.run(add("a"), durable=False)

    after, raised = modseqs(group)
    assert before < after < raised
    assert raised > ceiling


def test_after_a_boot_modseqs_continue_above_all_that_may_have_been_issued(group: Group) -> None:
    group.run(add("a"))
    before, ceiling = modseqs(group)
    group.run(lambda tx: tx.execute("UPDATE account SET boot_id = 'an earlier one'"))

    group.run(add("bb"), durable=False)

    after, raised = modseqs(group)
    assert before < ceiling < after <= raised


def test_only_durable_groups_wait_for_the_disk(group: Group, disk: Disk) -> None:
    group.run(add("a"))
    disk.fail_syncs = True

    assert results(group.run(add("bb"), durable=False)) == ["bb"]

    disk.fail_syncs = False
    assert group.stored() == ["a", "bb"]


def test_usage_and_its_ledger_number_go_together(group: Group) -> None:
    def take_back(tx: Tx) -> None:
        tx.charge("expunged", MailboxId(1), -10, -1)

    def charge(tx: Tx) -> None:
        tx.charge("filed", MailboxId(1), 10, 1)
        tx.execute("UPDATE mailbox SET octets = octets + 0")

    seen = []
    for works in ([charge, lambda tx: None], [add("a")], [take_back]):
        group.run(*works)
        seen.append(group.last.usage)

    assert [usage and (usage[0].octets, usage[0].messages) for usage in seen] == [
        (10, 1),
        None,
        (0, 0),
    ]
    assert [usage and usage[1] for usage in seen] == [1, None, 2]


# --- small jobs: everything but the COMMIT in the reactor


def prepared(group: Group, *works: Callable[[Tx], object]) -> tuple[list[Job], Prepared | None]:
    jobs = [Job(work, small=True) for work in works]
    return jobs, group.commit.prepare(jobs)


def test_a_prepared_group_is_seen_and_has_results_only_after_its_commit(group: Group) -> None:
    group.run(add("first"))
    jobs, ready = prepared(group, add("a"), refuse, add("bb"))

    assert ready is not None
    assert group.stored() == ["first"]
    assert not any(job.done for job in jobs)
    committed = group.commit.commit(ready)

    assert results(jobs) == ["a", CannotDo, "bb"]
    assert committed.touched == [1, 2]
    assert group.stored() == ["a", "bb", "first"]


def test_nothing_is_prepared_before_the_file_is_open(group: Group) -> None:
    assert prepared(group, add("a"))[1] is None


def test_a_group_is_not_prepared_while_another_process_writes(group: Group) -> None:
    group.run(add("first"))
    group.other.execute("BEGIN IMMEDIATE")
    jobs, ready = prepared(group, add("a"))
    group.other.execute("ROLLBACK")

    assert ready is None
    group.commit.run(jobs)
    assert results(jobs) == ["a"]


def test_what_spoils_a_prepared_transaction_is_sorted_out_in_the_thread(group: Group) -> None:
    group.run(add("first"))
    jobs, ready = prepared(group, add("a"), break_transaction, add("bb"))

    assert ready is None
    group.commit.run(jobs)
    assert results(jobs) == ["a", StorageFull, "bb"]
    assert group.stored() == ["a", "bb", "first"]


def test_a_prepared_commit_that_finds_the_disk_full_is_tried_job_by_job(
    group: Group, disk: Disk
) -> None:
    group.run(add("first"))
    jobs, ready = prepared(group, add("a"), add("bb"))
    assert ready is not None
    disk.full = True
    group.commit.commit(ready)
    disk.full = False

    assert results(jobs) == [StorageFull, StorageFull]
    assert results(group.run(add("ccc"))) == ["ccc"]
    assert group.stored() == ["ccc", "first"]


def test_a_prepared_commit_that_cannot_be_synced_fences_the_account(
    group: Group, disk: Disk
) -> None:
    group.run(add("first"))
    jobs, ready = prepared(group, add("a"))
    assert ready is not None
    disk.fail_syncs = True
    group.commit.commit(ready)

    assert results(jobs) == [Unavailable]
    assert group.fences
    assert prepared(group, add("bb"))[1] is None
    disk.fail_syncs = False
    assert results(group.run(add("ccc"))) == ["ccc"]

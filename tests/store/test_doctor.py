"""The doctor over real files that were damaged by hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import apsw
import pytest

from mailhub.interfaces import Incoming
from mailhub.model.mail import AccountId, InternalDate, MailboxId, Usage
from mailhub.model.names import INBOX
from mailhub.store.doctor import LEFTOVER_SECONDS, Doctor, Finding
from mailhub.store.hub import accounts, domains, usage
from mailhub.store.hub.accounts import Account
from mailhub.store.hub.bell import Bell
from mailhub.store.hub.database import HubFile
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.hub import Hub
from mailhub.store.runner import InlineRunner
from mailhub.store.sqlite.journalfile import FiledGroup, FiledLetter, record
from mailhub.store.sqlite.store import SqliteStore
from mailhub.store.usages import file_usage
from tests.harness import message, run

NOW = 1_700_000_000


@dataclass(frozen=True)
class Patient:
    """A data directory with alice, who has two messages, and the doctor who looks at it."""

    doctor: Doctor
    alice: Account

    @property
    def path(self) -> Path:
        return self.doctor.data.account_file(self.alice.id)

    def examine(self) -> list[Finding]:
        found = list(self.doctor.examine_hub())
        for account in self.doctor.accounts():
            found += self.doctor.examine_account(account)
        return found + list(self.doctor.examine_files())

    def kinds(self) -> list[str]:
        return [finding.kind for finding in self.examine()]

    def repair(self) -> list[Finding]:
        return replace(self, doctor=replace(self.doctor, repair=True)).examine()

    def damage(self, sql: str) -> None:
        """Change alice's file behind the engine's back."""
        db = apsw.Connection(str(self.path))
        db.execute(sql)
        db.close()

    def damage_hub(self, sql: str) -> None:
        db = apsw.Connection(str(self.doctor.data.hub_db))
        db.execute(sql)
        db.close()


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Patient]:
    data = DataDir(tmp_path / "data")
    data.prepare()
    file = HubFile.open(data.hub_db)
    with file.write() as tx:
        domains.add(tx, "example.org", NOW)
        alice = accounts.add(tx, "alice@example.org", NOW)
    fill(data, alice)
    with file.read() as tx:
        alice = accounts.get(tx, alice.id)
    bell = Bell.open(data.bell)
    yield Patient(Doctor(data, file, bell), alice)
    bell.stop()
    file.close()


def fill(data: DataDir, account: Account) -> None:
    """Two messages, filed by the engine."""
    runner = InlineRunner()
    hub = Hub(data, runner, make_verifiers=lambda password: ())
    store = SqliteStore(data, hub, runner)
    run(store.start())
    mail = run(store.account(account.id))
    for subject in ("one", "two"):
        staging = store.stage()
        run(staging.write(message(subject)))
        staged = run(staging.finish())
        run(mail.append(INBOX, [Incoming(staged)]))
        staged.release()
    run(store.stop())
    run(hub.stop())


def test_what_the_engine_leaves_is_in_order(patient: Patient) -> None:
    assert patient.alice.usage.messages == 2
    assert patient.examine() == []


# --- accounts -----------------------------------------------------------------------------


def test_wrong_counters_are_found_and_put_right(patient: Patient) -> None:
    patient.damage("UPDATE mailbox SET unseen = 77")
    (found,) = patient.examine()
    assert (found.where, found.kind) == ("alice@example.org", "counter")
    assert (found.repairable, found.repaired) == (True, False)
    assert [finding.repaired for finding in patient.repair()] == [True]
    assert patient.examine() == []


def test_a_repair_rings_for_those_who_have_the_account_open(patient: Patient) -> None:
    bell = Bell.open(patient.doctor.data.bell)
    calls: list[int] = []
    bell.watch(patient.alice.number, lambda: calls.append(1))
    patient.damage("UPDATE mailbox SET unseen = 77")
    patient.examine()
    bell.look()
    assert calls == []
    patient.repair()
    bell.look()
    assert calls == [1]
    bell.stop()


def test_a_file_that_is_no_database_does_not_keep_the_others_from_being_examined(
    patient: Patient,
) -> None:
    with patient.doctor.hub.write() as tx:
        bob = accounts.add(tx, "bob@example.org", NOW)
    fill(patient.doctor.data, bob)
    patient.damage("UPDATE mailbox SET unseen = 77")
    path = patient.doctor.data.account_file(bob.id)
    path.write_bytes(b"nonsense" * 1000)
    found = {finding.where: finding for finding in patient.repair()}
    assert (found["bob@example.org"].kind, found["bob@example.org"].repaired) == ("damaged", False)
    assert found["alice@example.org"].repaired


def test_a_damaged_page_is_told_and_never_called_repaired(patient: Patient) -> None:
    with patient.path.open("r+b") as file:
        octets = bytearray(file.read())
        octets[-2048:] = b"\xff" * 2048
        file.seek(0)
        file.write(octets)
    findings = patient.repair()
    assert findings
    assert not any(finding.repaired for finding in findings)


def test_the_file_of_another_account_is_not_taken_for_the_right_one(patient: Patient) -> None:
    patient.damage("UPDATE account SET account_id = '00'")
    (found,) = patient.repair()
    assert (found.kind, found.repaired) == ("damaged", False)
    assert "another account" in found.text


def test_a_missing_file_is_told_if_there_was_mail_in_it(patient: Patient) -> None:
    with patient.doctor.hub.write() as tx:
        accounts.add(tx, "new@example.org", NOW)
    patient.path.unlink()
    (found,) = patient.repair()
    assert (found.where, found.kind) == ("alice@example.org", "missing")
    assert not found.repaired


# --- hub.db -------------------------------------------------------------------------------


def test_usage_that_the_hub_has_wrong_is_put_right(patient: Patient) -> None:
    patient.damage_hub("UPDATE activity SET octets = 1, messages = 99")
    (found,) = patient.repair()
    assert (found.kind, found.repaired) == ("usage", True)
    assert "99 messages" in found.text
    with patient.doctor.hub.read() as tx:
        assert accounts.get(tx, patient.alice.id).usage == patient.alice.usage


def test_usage_that_the_hub_has_from_the_future_is_put_right(patient: Patient) -> None:
    """After a restore of the account's file the hub would believe nothing any more."""
    patient.damage_hub("UPDATE activity SET ledger_seq = 1000")
    assert [finding.repaired for finding in patient.repair()] == [True]
    with patient.doctor.hub.write() as tx:
        assert usage.record(tx, patient.alice.id, Usage(1, 1), 999)


def test_a_hub_that_is_a_little_behind_is_in_order(patient: Patient) -> None:
    patient.damage_hub("UPDATE activity SET ledger_seq = 1, octets = 1, messages = 1")
    assert patient.examine() == []


def test_an_account_without_its_usage_row_is_put_right(patient: Patient) -> None:
    patient.damage_hub("DELETE FROM activity")
    assert "activity" in patient.kinds()
    assert all(finding.repaired for finding in patient.repair())
    assert patient.examine() == []


def test_an_account_without_an_address_is_told(patient: Patient) -> None:
    patient.damage_hub("DELETE FROM address")
    kinds = [finding.kind for finding in patient.repair() if not finding.repaired]
    assert "nameless" in kinds


def test_a_reference_into_nothing_is_told(patient: Patient) -> None:
    patient.damage_hub("INSERT INTO verifier VALUES (99, 'argon2id', 'x')")
    assert patient.kinds() == ["reference"]


def test_damage_of_the_hub_itself_is_told(patient: Patient) -> None:
    patient.doctor.hub.close()
    with patient.doctor.data.hub_db.open("r+b") as file:
        octets = bytearray(file.read())
        octets[4096 + 8 : 8192] = b"\xff" * (4096 - 8)
        file.seek(0)
        file.write(octets)
    hub = HubFile.open(patient.doctor.data.hub_db)
    findings = list(replace(patient.doctor, hub=hub).examine_hub())
    hub.close()
    assert {finding.kind for finding in findings} == {"damaged"}


# --- files --------------------------------------------------------------------------------


def test_files_of_a_deleted_account_are_removed(patient: Patient) -> None:
    with patient.doctor.hub.write() as tx:
        accounts.delete(tx, patient.alice.id, NOW)
    assert patient.kinds() == ["deleted"]
    assert patient.path.exists()
    assert [finding.repaired for finding in patient.repair()] == [True]
    assert not patient.path.exists()
    assert patient.examine() == []
    with patient.doctor.hub.read() as tx:
        assert accounts.to_remove(tx) == []


def test_a_file_that_nobody_knows_is_told_and_never_deleted(patient: Patient) -> None:
    stranger = patient.doctor.data.account_file(AccountId("ffff"))
    stranger.parent.mkdir(exist_ok=True)
    stranger.write_bytes(b"somebody's mail")
    (found,) = patient.repair()
    assert (found.kind, found.where) == ("orphan", "accounts/ff/ffff.db")
    assert stranger.exists()


@pytest.mark.parametrize("place", ["spool/tmpabc", "accounts/ff/ffff.db.4711"])
def test_only_old_leftovers_are_removed(patient: Patient, place: str) -> None:
    path = patient.doctor.data.path / place
    path.parent.mkdir(exist_ok=True)
    path.touch()
    assert patient.repair() == []
    old = path.stat().st_mtime - LEFTOVER_SECONDS - 10
    os.utime(path, (old, old))
    assert patient.kinds() == ["leftover"]
    assert path.exists()
    assert [finding.where for finding in patient.repair()] == [place]
    assert not path.exists()


# --- journals -----------------------------------------------------------------------------


def leave_journal(patient: Patient) -> Path:
    """That of a process which died, with a message for alice."""
    data = patient.doctor.data
    letter = FiledLetter(
        MailboxId(1), 3, 3, (), InternalDate(NOW), None, b"Subject: three\r\n\r\nhello\r\n"
    )
    group = FiledGroup(patient.alice.id, 2, NOW, [letter])
    pieces = record(b"edition1", group.pieces())
    path = data.journal / "1-dead.journal"
    path.write_bytes(b"".join(pieces))
    return path


def test_mail_that_only_a_journal_has_is_taken_in(patient: Patient) -> None:
    path = leave_journal(patient)
    assert [finding.kind for finding in patient.examine()] == ["journal"]

    patient.doctor.take_in_journals()

    assert patient.examine() == []
    assert not path.exists()
    found = file_usage(patient.doctor.data, patient.alice.id)
    assert found is not None
    assert found[0].messages == 3


def test_the_journal_of_a_damaged_account_is_told(patient: Patient) -> None:
    path = leave_journal(patient)
    patient.doctor.data.account_file(patient.alice.id).write_bytes(b"no database" * 1_000)

    patient.doctor.take_in_journals()

    found = {finding.kind: finding for finding in patient.examine()}
    assert found["journal"].where == "journal/1-dead.journal"
    assert not found["journal"].repairable
    assert path.exists()

"""The doctor: looks for what must not be, in hub.db, in every account and between them.

It works beside a running server: each account is looked at in one read transaction, and repaired
in one write transaction.  It never deletes mail and never stops at the first bad file.  Repairing
brings counters, sums and leftovers in order; what is damaged or missing it can only report.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import apsw

from mailhub.model.errors import Damaged, Refusal
from mailhub.model.mail import AccountId, Usage
from mailhub.store.hub import accounts, usage
from mailhub.store.hub.accounts import Account
from mailhub.store.hub.bell import Bell
from mailhub.store.hub.check import check_hub, repair_hub
from mailhub.store.hub.database import BUSY_TIMEOUT_MS, HubFile
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.removal import SUFFIXES, files_of, remove_files
from mailhub.store.sqlite.check import check_account, repair_account, usage_of
from mailhub.store.sqlite.files import open_account, open_for_check
from mailhub.store.sqlite.replay import abandoned, replay

LEFTOVER_SECONDS = 24 * 3600
"""Younger files of a spool or of an account in the making may still be wanted."""


@dataclass(frozen=True, slots=True)
class Finding:
    where: str
    """``hub.db``, an account's address, a path within the data directory."""
    kind: str
    text: str
    repairable: bool
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Doctor:
    data: DataDir
    hub: HubFile
    bell: Bell
    repair: bool = False

    def take_in_journals(self) -> None:
        """Before anything is examined: after a power loss mail may be in them only.

        Raises Refusal.
        """
        replay(self.data.journal, self.data.account_file)

    def accounts(self) -> list[Account]:
        """Whom there is to examine."""
        with self.hub.read() as tx:
            return accounts.all_accounts(tx)

    def examine_hub(self) -> Iterator[Finding]:
        try:
            with self.hub.read() as tx:
                found = check_hub(tx)
        except Damaged as refusal:
            yield Finding("hub.db", "damaged", str(refusal), False)
            return
        if self.repair and any(problem.repairable for problem in found):
            with self.hub.write() as tx:
                repair_hub(tx)
        for problem in found:
            repaired = self.repair and problem.repairable
            yield Finding("hub.db", problem.kind, problem.text, problem.repairable, repaired)

    def examine_account(self, account: Account) -> Iterator[Finding]:
        """The account's file by itself, and what hub.db says about it."""
        path = self.data.account_file(account.id)
        if not path.exists():
            yield from self._missing(account)
            return
        try:
            # Refuses another account's file, and brings an older schema up to date.
            open_account(path, account.id, busy_timeout_ms=BUSY_TIMEOUT_MS).close()
            with closing(open_for_check(path)) as db:
                found = list(self._examine_open(account, db))
                octets, ledger_seq = usage_of(db)
        except Refusal as refusal:
            yield Finding(account.address, "damaged", f"{path}: {refusal}", False)
            return
        yield from found
        yield from self._usage(account, octets, ledger_seq)

    def _examine_open(self, account: Account, db: apsw.Connection) -> Iterator[Finding]:
        problems = left = check_account(db)
        if self.repair and any(problem.repairable for problem in problems):
            repair_account(db)
            self.bell.ring(account.number)
            left = check_account(db)
        for problem in problems:
            repaired = problem not in left
            yield Finding(account.address, problem.kind, problem.text, problem.repairable, repaired)

    def examine_files(self) -> Iterator[Finding]:
        """What lies in the data directory and belongs to nobody."""
        yield from self._deleted()
        with self.hub.read() as tx:
            known = {account.id for account in accounts.all_accounts(tx)}
            known.update(accounts.to_remove(tx))
        for path in sorted(self.data.accounts.glob("*/*")):
            yield from self._account_file(path, known)
        for path in abandoned(self.data.journal):
            text = "It holds mail of an account that is damaged; when that is mended, move it away"
            yield Finding(str(path.relative_to(self.data.path)), "journal", text, False)
        for path in sorted(self.data.spool.iterdir()):
            if _age(path) > LEFTOVER_SECONDS:
                yield self._leftover(path, "A message that nobody waits for any more")

    def _missing(self, account: Account) -> Iterator[Finding]:
        with self.hub.read() as tx:
            is_new = usage.ledger_seq(tx, account.id) == 0
        if not is_new:  # otherwise the first access makes it
            text = f"Its file {self.data.account_file(account.id)} is missing: restore a backup"
            yield Finding(account.address, "missing", text, False)

    def _usage(self, account: Account, octets: Usage, ledger_seq: int) -> Iterator[Finding]:
        """A hub that is behind is normal while a server runs; one that is wrong is not."""
        with self.hub.read() as tx:
            told = usage.ledger_seq(tx, account.id)
        if told < ledger_seq or (told == ledger_seq and octets == account.usage):
            return
        if self.repair:
            with self.hub.write() as tx:
                usage.correct(tx, account.id, octets, ledger_seq)
        text = (
            f"hub.db says {account.usage.octets} octets in {account.usage.messages} messages,"
            f" the account's file {octets.octets} in {octets.messages}"
        )
        yield Finding(account.address, "usage", text, True, self.repair)

    def _deleted(self) -> Iterator[Finding]:
        with self.hub.read() as tx:
            waiting = accounts.to_remove(tx)
        for account in waiting:
            if files_of(self.data, account):
                text = "The account is deleted, its files are not"
                yield Finding(account, "deleted", text, True, self.repair)
            if self.repair:
                remove_files(self.data, account)
                with self.hub.write() as tx:
                    accounts.removed(tx, account, int(time.time()))

    def _account_file(self, path: Path, known: Collection[AccountId]) -> Iterator[Finding]:
        stem, _, rest = path.name.partition(".db")
        if rest in SUFFIXES:
            if AccountId(stem) not in known:
                where = str(path.relative_to(self.data.path))
                text = "A file of no account: hub.db does not know it; move it away by hand"
                yield Finding(where, "orphan", text, False)
        elif _age(path) > LEFTOVER_SECONDS:
            yield self._leftover(path, "Left over from making an account")

    def _leftover(self, path: Path, text: str) -> Finding:
        where = str(path.relative_to(self.data.path))
        finding = Finding(where, "leftover", text, True)
        if self.repair:
            path.unlink(missing_ok=True)
            finding = replace(finding, repaired=True)
        return finding


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # it was not left over

"""The totals of domains: exact while many accounts and several processes deliver at once.

The account's file is the truth about its usage, hub.db holds the sum over a domain, and no
transaction spans the two.  So a transaction claims what it is going to add before its COMMIT and
settles afterwards: one transaction on hub.db records the new usage and deletes the claim.  Between
them the octets count as claimed, so at every moment the sum and the claims together are at least
what the files hold.  What takes away holds a claim of nothing, so that a usage that was not
recorded because the process was killed is noticed.

Nobody is refused while there is room.  When only the claims of others stand in the way, one waits
for them; those of a dead process are settled by whoever meets them, by reading the account's file.
A process is alive as long as it holds the lock on its byte of ``run/quota.lock``.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mailhub.model.errors import OverQuota, Refusal, Unavailable
from mailhub.model.mail import AccountId, Usage
from mailhub.model.quota import Quota
from mailhub.net.locks import open_lock_file, try_lock, unlock
from mailhub.store.hub import usage as usages
from mailhub.store.hub.database import HubFile, Tx, rows

NOBODY = 0
"""Holds claims of accounts that came into the domain: their files have to be read first."""
HOLDERS = 1024
READING = HOLDERS + 1
"""The byte that is locked while the files of a domain are read."""
AUDITING = HOLDERS + 2
"""The byte of the process whose turn it is to audit."""
PATIENCE_SECONDS = 10.0
POLL_SECONDS = 0.002

FULL = "The storage of your organisation is full"

ReadUsage = Callable[[AccountId], tuple[Usage, int] | None]
"""The usage in an account's file and its ledger_seq; None: it has no file."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A domain at one moment.  ``claims``: ids of others' claims on it."""

    domain: str
    known: bool
    """Its sums are complete, but for accounts that came."""
    came: bool
    """Some have."""
    settled: Usage
    claimed: Usage
    claims: frozenset[int]

    def fits(self, added: Usage, quota: Quota, *, settled_only: bool = False) -> bool:
        octets = self.settled.octets + added.octets
        messages = self.settled.messages + added.messages
        if not settled_only:
            octets += self.claimed.octets
            messages += self.claimed.messages
        return not (
            (quota.total_octets and octets > quota.total_octets)
            or (quota.total_messages and messages > quota.total_messages)
        )


class DomainTotals:
    """Of one process.  Everything may be called from any thread, and blocks."""

    def __init__(self, file: HubFile, lock_path: Path, read_usage: ReadUsage, boot_id: str) -> None:
        self._file = file
        self._lock_path = lock_path
        self._read_usage = read_usage
        self._boot_id = boot_id
        self._fd = -1
        self._holder = 0
        self._starting = threading.Lock()
        # Within a process all threads share the locks on the file.
        self._burying = threading.Lock()
        self._settling = threading.Lock()
        self._late: list[tuple[int, AccountId, Usage | None, int]] = []
        """Settlements that failed: the claims count until they are made up for."""

    def claim(self, account: AccountId, number: int, quota: Quota) -> DomainClaim:
        return DomainClaim(self, account, number, quota)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._file.close()

    def check(self, inline: HubFile, number: int, quota: Quota, added: Usage) -> None:
        """Whether it would fit if all that is claimed came to nothing.  Raises OverQuota."""
        with inline.read() as tx:
            there = standing(tx, number, 0, self._boot_id)
        if there.known and not there.fits(added, quota, settled_only=True):
            raise OverQuota(FULL)

    # --- claiming

    def take(self, held: int, number: int, quota: Quota, added: Usage) -> int:
        """The id of a claim, *held* before or new.  Raises OverQuota, Unavailable."""
        self._start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        waiting: frozenset[int] | None = None
        while True:
            with self._file.write(durable=False) as tx:
                there = standing(tx, number, held, self._boot_id)
                if there.known and not there.came and there.fits(added, quota):
                    return self._write(tx, held, number, added)
            if there.came:
                self._settle_for(NOBODY)
                continue
            if not there.known:
                self._read_domain(there.domain, deadline)
                continue
            # Claims may keep coming; those that were there at first may give room when they go.
            waiting = there.claims if waiting is None else waiting & there.claims
            hopeless = not waiting and not there.fits(added, quota, settled_only=True)
            if hopeless or time.monotonic() >= deadline:
                break
            if not self._settle_for_the_dead():
                time.sleep(POLL_SECONDS)
        if not hopeless:
            raise Unavailable("Others are filing mail at the moment, try again")
        raise OverQuota(FULL)

    def hold(self, held: int, number: int) -> int:
        """A claim that takes nothing."""
        self._start()
        with self._file.write(durable=False) as tx:
            return held or self._write(tx, 0, number, Usage(0, 0))

    def settle(self, held: int, account: AccountId, told: tuple[Usage, int] | None) -> None:
        """Never raises: what cannot be written now is written with the next settlement."""
        usage, ledger_seq = told or (None, 0)
        with self._settling:
            self._late.append((held, account, usage, ledger_seq))
        self.catch_up()

    def catch_up(self) -> None:
        """Settle what could not be settled before.  Never raises."""
        if not self._late:
            return
        with self._settling:
            late, self._late = self._late, []
        try:
            with self._file.write(durable=False) as tx:
                for held, account, usage, ledger_seq in late:
                    if usage is not None:
                        usages.record(tx, account, usage, ledger_seq)
                    tx.execute("DELETE FROM claim WHERE id = ?", (held,))
        except Refusal:
            with self._settling:
                self._late += late

    def _write(self, tx: Tx, held: int, number: int, added: Usage) -> int:
        if held:
            tx.execute("DELETE FROM claim WHERE id = ?", (held,))
        tx.execute(
            "INSERT INTO claim (holder, account, octets, messages) VALUES (?, ?, ?, ?)",
            (self._holder, number, added.octets, added.messages),
        )
        return tx.last_insert_rowid()

    # --- who lives

    def _start(self) -> None:
        """Take a place among the holders, and settle what its last owner left."""
        with self._starting:
            if not self._holder:
                fd = open_lock_file(self._lock_path)
                try:
                    place = _free_place(fd)
                    self._settle_for(place)
                except BaseException:
                    os.close(fd)
                    raise
                self._fd, self._holder = fd, place

    def _settle_for_the_dead(self) -> bool:
        """Whether there were any."""
        with self._burying:
            with self._file.read() as tx:
                holders = rows(
                    tx, "SELECT DISTINCT holder FROM claim WHERE holder <> ?", self._holder
                )
            buried = [self._bury(holder) for (holder,) in holders]
            return any(buried)

    def _bury(self, holder: int) -> bool:
        if not try_lock(self._fd, holder):
            return False  # it lives
        try:
            return self._settle_for(holder)
        finally:
            unlock(self._fd, holder)

    def _settle_for(self, holder: int) -> bool:
        """Record what the files say, and forget the claims of a process that is gone."""
        with self._file.read() as tx:
            left = rows(
                tx,
                "SELECT claim.id, account.id FROM claim"
                " JOIN account ON account.number = claim.account WHERE holder = ?",
                holder,
            )
        for claim, account in left:
            told = self._read_usage(AccountId(account))
            with self._file.write(durable=False) as tx:
                if told is not None:
                    usages.record(tx, AccountId(account), *told)
                tx.execute("DELETE FROM claim WHERE id = ?", (claim,))
        return bool(left)

    # --- complete sums

    def read_all(self, domains: list[str]) -> None:
        """Make the sums of *domains* complete, before mail comes.  Raises Unavailable."""
        self._start()
        for domain in domains:
            self._read_domain(domain, time.monotonic() + PATIENCE_SECONDS)

    def _read_domain(self, domain: str, deadline: float) -> None:
        with self._reading(deadline):
            with self._file.read() as tx:
                read = rows(tx, "SELECT usage_read FROM domain WHERE name = ?", domain)
                accounts = rows(
                    tx,
                    "SELECT account.id FROM account"
                    " JOIN address ON address.account = account.number AND is_primary"
                    " WHERE domain = ?",
                    domain,
                )
            if not read or read[0][0] == self._boot_id:
                return
            for (account,) in accounts:
                told = self._read_usage(AccountId(account))
                if told is not None:
                    with self._file.write(durable=False) as tx:
                        usages.record(tx, AccountId(account), *told)
            with self._file.write(durable=False) as tx:
                tx.execute(
                    "UPDATE domain SET usage_read = ? WHERE name = ?", (self._boot_id, domain)
                )

    @contextmanager
    def _reading(self, deadline: float) -> Iterator[None]:
        """Only one reads at a time; the others wait, or come again."""
        fd = open_lock_file(self._lock_path)
        try:
            while not try_lock(fd, READING):
                if time.monotonic() >= deadline:
                    raise Unavailable("The accounts of the domain are being read, try again")
                time.sleep(POLL_SECONDS)
            yield
        finally:
            os.close(fd)


class DomainClaim:
    """See :class:`mailhub.store.sqlite.seams.Claim`; of one transaction."""

    def __init__(self, totals: DomainTotals, account: AccountId, number: int, quota: Quota) -> None:
        self._totals = totals
        self._account = account
        self._number = number
        self._quota = quota
        self._held = 0

    def take(self, octets: int, messages: int) -> None:
        added = Usage(octets, messages)
        self._held = self._totals.take(self._held, self._number, self._quota, added)

    def hold(self) -> None:
        self._held = self._totals.hold(self._held, self._number)

    def settle(self, usage: tuple[Usage, int] | None) -> None:
        held, self._held = self._held, 0
        if held:
            self._totals.settle(held, self._account, usage)


def _free_place(fd: int) -> int:
    for place in range(1, HOLDERS + 1):
        if try_lock(fd, place):
            return place
    raise Unavailable("Too many processes file mail at once")


def standing(tx: Tx, number: int, held: int, boot_id: str) -> Standing:
    """The domain of account *number*, without the claim *held*.  Raises Unavailable."""
    found = rows(
        tx,
        "SELECT name, usage_read, domain.octets, domain.messages FROM domain"
        " JOIN address ON address.domain = domain.name AND is_primary WHERE account = ?",
        number,
    )
    if not found:
        raise Unavailable  # deleted just now
    name, read, octets, messages = found[0]
    claims = rows(
        tx,
        "SELECT claim.id, octets, messages, holder FROM claim"
        " JOIN address ON address.account = claim.account AND is_primary"
        " WHERE domain = ? AND claim.id <> ?",
        name,
        held,
    )
    claimed = Usage(sum(c[1] for c in claims), sum(c[2] for c in claims))
    ids = frozenset(c[0] for c in claims)
    came = any(c[3] == NOBODY for c in claims)
    return Standing(name, read == boot_id, came, Usage(octets, messages), claimed, ids)

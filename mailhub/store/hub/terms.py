"""What accounts may keep, as the engine asks for it before every change.

Remembered until a limit changes: then ``quota_version`` does, in whatever process it happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from mailhub.config.options import QuotaConfig
from mailhub.model.errors import NoSuchAccount
from mailhub.model.mail import AccountId, Usage
from mailhub.model.quota import UNLIMITED, Quota
from mailhub.rules import NO_RULES, Rules
from mailhub.store.hub import accounts, quota
from mailhub.store.hub.database import Busy, HubFile, Tx, rows
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.totals import DomainTotals
from mailhub.store.sqlite.seams import NO_TERMS, Terms
from mailhub.store.sqlite.transaction import boot_id
from mailhub.store.usages import file_usage

REMEMBERED = 10_000
LOOK_SECONDS = 0.005
"""So long a changed limit may go unnoticed by those who file mail: asking SQLite whether anything
has changed costs as much as two of the statements that file a message."""


class QuotaTerms:
    """Used in the reactor, but for ``begin`` and the totals."""

    def __init__(
        self,
        data: DataDir,
        inline: HubFile,
        config: QuotaConfig,
        rules: Rules = NO_RULES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inline = inline
        self._config = config
        self._rules = rules
        self._clock = clock
        self._version = 0
        self._edition = -1
        self._looked = float("-inf")
        self._known: dict[AccountId, tuple[Quota, int]] = {}
        """With the account's number."""
        self._file = HubFile.open(data.hub_db)
        self.totals = DomainTotals(
            self._file, data.quota_lock, partial(file_usage, data), boot_id()
        )

    @property
    def config(self) -> QuotaConfig:
        return self._config

    def use(self, config: QuotaConfig, rules: Rules) -> None:
        """From now on."""
        self._config = config
        self._rules = rules
        self._known.clear()

    def terms(self, account: AccountId) -> Terms:
        """For one transaction.  Raises Unavailable."""
        found, number = self._known_of_late(account)
        if found.has_total:
            return Terms(found, self.totals.claim(account, number, found))
        return NO_TERMS if found is UNLIMITED else Terms(found)

    def quota(self, account: AccountId) -> Quota:
        """What it may keep as of now.  Immediate.  Raises Unavailable."""
        return self._find(account)[0]

    def check_total(self, account: AccountId, added: Usage) -> None:
        """Whether the domain has room as of now.  Raises OverQuota, Unavailable."""
        found, number = self._find(account)
        if found.has_total:
            self.totals.check(self._inline, number, found, added)

    def _known_of_late(self, account: AccountId) -> tuple[Quota, int]:
        now = self._clock()
        if now - self._looked < LOOK_SECONDS and account in self._known:
            return self._known[account]
        self._looked = now
        return self._find(account)

    def _find(self, account: AccountId) -> tuple[Quota, int]:
        try:
            edition = self._inline.edition()
            if edition == self._edition and account in self._known:
                return self._known[account]
            with self._inline.read() as tx:
                version = quota.version(tx)
                if version != self._version or len(self._known) >= REMEMBERED:
                    self._known.clear()
                    self._version = version
                known = self._known.get(account)
                if known is None:
                    known = self._known[account] = self._read(tx, account)
            self._edition = edition  # what has been read is at least as new
            return known
        except Busy:  # another process takes the log in: what was true just now will do
            if account in self._known:
                return self._known[account]
            raise

    def _read(self, tx: Tx, account: AccountId) -> tuple[Quota, int]:
        try:
            sources = quota.sources(tx, account, self._config, self._rules)
            found = quota.effective(sources, self._config)
            return found, accounts.get(tx, account).number
        except NoSuchAccount:  # deleted while it is open: what is left can be taken away
            return UNLIMITED, 0

    def begin(self) -> None:
        """In a thread, at the start: make the sums of domains with a total complete."""
        with self._file.write(durable=False) as tx:
            quota.forget_sums(tx, self._config)
            limited = rows(tx, "SELECT domain FROM quota_domain WHERE scope = ?", quota.TOTAL)
            exists = {name for (name,) in rows(tx, "SELECT name FROM domain")}
        named = {domain for (domain,) in limited}
        named |= {d.name for d in self._config.domains if d.total_octets or d.total_messages}
        self.totals.read_all(sorted(named & exists))

    def close(self) -> None:
        self.totals.close()

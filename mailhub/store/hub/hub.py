"""The hub of a running server: who exists and who may log in, awaitable.

Look-ups are a few indexed reads (about 10 us) and are made where they are asked for, in the
reactor, without a cache: what the command line changes counts from the next log-in on.  Writes
and password hashing go to threads.  Usage and log-in times are collected and written once a
second; they may be lost, the account's file is the truth about usage.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from zope.interface import implementer

from mailhub import log
from mailhub.config.options import AuthConfig, Config, DeliveryConfig, LmtpConfig, QuotaConfig
from mailhub.interfaces import IAddressBook, ILocalAccounts
from mailhub.interfaces_people import IAppPasswords
from mailhub.model.apppasswords import AppPassword
from mailhub.model.errors import Unavailable
from mailhub.model.identity import Known
from mailhub.model.mail import AccountId, Recipient, StoredCredentials, Usage, Verifier
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.rules import NO_RULES, Rules
from mailhub.store.hub import (
    accounts,
    apppasswords,
    credentials,
    domains,
    recipients,
    samples,
    usage,
)
from mailhub.store.hub.accounts import Account
from mailhub.store.hub.database import Busy, HubFile, Tx
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.terms import QuotaTerms
from mailhub.store.runner import Runner
from mailhub.store.sqlite.seams import Terms

T = TypeVar("T")

FLUSH_SECONDS = 1.0
_DEFAULTS = Config()


@implementer(ILocalAccounts, IAddressBook, IAppPasswords)
class Hub:
    def __init__(
        self,
        data: DataDir,
        runner: Runner,
        *,
        make_verifiers: Callable[[str], tuple[Verifier, ...]],
        delivery: DeliveryConfig = _DEFAULTS.delivery,
        lmtp: LmtpConfig = _DEFAULTS.lmtp,
        auth: AuthConfig = _DEFAULTS.auth,
        quota: QuotaConfig = _DEFAULTS.quota,
        rules: Rules = NO_RULES,
    ) -> None:
        """Opens (creates, migrates) hub.db.  Raises Damaged, Unavailable."""
        self.file = HubFile.open(data.hub_db)
        self._inline = HubFile.open(data.hub_db, busy_timeout_ms=0)
        self._runner = runner
        self._make_verifiers = make_verifiers
        self._delimiter = delivery.recipient_delimiter
        self._recipient_domain = lmtp.default_domain
        self._login_domain = auth.default_domain
        self.quotas = QuotaTerms(data, self._inline, quota, rules)
        self.on_recorded: Callable[[Mapping[AccountId, Usage]], None] = lambda usages: None
        """Called in the reactor with usages that are in the hub from now on."""
        self._news = _News()
        self._flushing: LoopingCall | None = None

    # --- what protocols and delivery ask --------------------------------------------------

    async def credentials(self, login: str) -> StoredCredentials | None:
        default_domain = self._login_domain
        if "@" not in login and not default_domain:
            default_domain = await self.glance(domains.only)
        return await self.glance(credentials.of_login, login, default_domain)

    async def replace_verifiers(self, account: AccountId, password: str) -> None:
        """Unless the password is changed meanwhile: then what was proved is no longer true."""
        proved = await self.read(_verifiers, account)
        await self._runner.run(self._upgrade, account, password, proved)

    async def recipient(self, address: str, steps: Hearer = UNHEARD) -> Recipient | None:
        def look_up(tx: Tx) -> Recipient | None:
            default_domain = self._recipient_domain or domains.only(tx)
            return recipients.resolve(tx, address, default_domain, self._delimiter, steps)

        return await self.read(look_up)

    async def app_password(self, digest: bytes) -> AppPassword | None:
        return await self.glance(apppasswords.of_digest, digest)

    def account(self, account: AccountId) -> Account:
        """Immediate.  Raises NoSuchAccount, Unavailable."""
        return self._inline.glance(accounts.get, account)

    def is_new(self, account: AccountId) -> bool:
        """Whether nothing was ever filed for it, so that it need not have a file.  Immediate."""
        if account in self._news.usage:
            return False
        return self._inline.glance(usage.ledger_seq, account) == 0

    def terms(self, account: AccountId) -> Terms:
        """Immediate.  Raises Unavailable."""
        return self.quotas.terms(account)

    def check_total(self, account: AccountId, octets: int, messages: int) -> None:
        """Immediate.  Raises OverQuota, Unavailable."""
        self.quotas.check_total(account, Usage(octets, messages))

    # --- what the hub is told -------------------------------------------------------------

    def record_usage(self, account: AccountId, usage: Usage, ledger_seq: int) -> None:
        """Immediate, from any thread."""
        self._news.add_usage(account, usage, ledger_seq)

    def record_login(self, account: AccountId) -> None:
        """Immediate, from any thread."""
        self._news.add_login(account, int(time.time()))

    def record_app_password(self, number: int, address: str) -> None:
        """Immediate, from any thread."""
        self._news.add_app_password(number, int(time.time()), address)

    async def flush(self) -> None:
        """Write what has been recorded."""
        self.on_recorded(await self._runner.run(self._write_news))

    # --- life -----------------------------------------------------------------------------

    def start(self, reactor: IReactorTime) -> None:
        self._flushing = LoopingCall(self._flush_or_log)
        self._flushing.clock = reactor
        self._flushing.start(FLUSH_SECONDS, now=False)
        self._runner.run(self.quotas.begin).addErrback(
            lambda failure: log.failure("error", failure, what="the sums of domains are not read")
        )

    async def stop(self) -> None:
        if self._flushing is not None:
            self._flushing.stop()
            self._flushing = None
        await self.flush()
        self.quotas.close()
        self._inline.close()
        self.file.close()

    def _flush_or_log(self) -> Deferred[None] | None:
        if not self._news:
            return None
        return Deferred.fromCoroutine(self.flush()).addErrback(
            lambda failure: log.failure("error", failure, what="usage is not yet in hub.db")
        )

    def _write_news(self) -> Mapping[AccountId, Usage]:
        self.quotas.totals.catch_up()
        news = self._news.take()
        if not news:
            return {}
        now = time.time()
        try:
            with self.file.write(durable=False) as tx:
                for account, (octets, ledger_seq) in news.usage.items():
                    usage.record(tx, account, octets, ledger_seq)
                    samples.note(tx, account, now)
                for account, when in news.logins.items():
                    usage.record_login(tx, account, when)
                for number, (when, address) in news.app_passwords.items():
                    apppasswords.record_use(tx, number, when, address)
                known = {account: usage.known(tx, account) for account in news.usage}
        except Unavailable:
            self._news.put_back(news)
            raise
        return {account: used for account, used in known.items() if used is not None}

    async def read(self, fn: Callable[..., T], *args: Any) -> T:
        """``fn(tx, *args)``, here, or in a thread when the file is locked.  Raises Unavailable."""
        try:
            with self._inline.read() as tx:
                return fn(tx, *args)
        except Busy:
            return await self._runner.run(self._read_patiently, fn, *args)

    async def glance(self, fn: Callable[..., T], *args: Any) -> T:
        """As ``read``, for a *fn* that makes one statement."""
        try:
            return self._inline.glance(fn, *args)
        except Busy:
            return await self._runner.run(self.file.glance, fn, *args)

    async def write(self, fn: Callable[..., T], *args: Any, durable: bool = True) -> T:
        """``fn(tx, *args)`` in a transaction of its own, in a thread.  Raises Unavailable."""
        return await self._runner.run(self._write_patiently, durable, fn, *args)

    async def known(self, address: str, steps: Hearer = UNHEARD) -> Known | None:
        """Whose *address* is, as :meth:`recipient` looks, but for catch-alls."""

        def look_up(tx: Tx) -> Known | None:
            default_domain = self._recipient_domain or domains.only(tx)
            return recipients.known(tx, address, default_domain, self._delimiter, steps)

        return await self.read(look_up)

    def _write_patiently(self, durable: bool, fn: Callable[..., T], *args: Any) -> T:
        with self.file.write(durable=durable) as tx:
            return fn(tx, *args)

    def _read_patiently(self, fn: Callable[..., T], *args: Any) -> T:
        with self.file.read() as tx:
            return fn(tx, *args)

    def _upgrade(self, account: AccountId, password: str, proved: tuple[Verifier, ...]) -> None:
        verifiers = self._make_verifiers(password)
        with self.file.write() as tx:
            if _verifiers(tx, account) == proved:
                credentials.replace(tx, accounts.get(tx, account).number, verifiers)


def _verifiers(tx: Tx, account: AccountId) -> tuple[Verifier, ...]:
    return credentials.of_account(tx, accounts.get(tx, account).number)


class _News:
    """What has been recorded and not yet written; any thread may add to it."""

    def __init__(self) -> None:
        self.usage: dict[AccountId, tuple[Usage, int]] = {}
        self.logins: dict[AccountId, int] = {}
        self.app_passwords: dict[int, tuple[int, str]] = {}
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self.usage or self.logins or self.app_passwords)

    def add_usage(self, account: AccountId, usage: Usage, ledger_seq: int) -> None:
        with self._lock:
            present = self.usage.get(account)
            if present is None or present[1] < ledger_seq:
                self.usage[account] = (usage, ledger_seq)

    def add_login(self, account: AccountId, when: int) -> None:
        with self._lock:
            self.logins[account] = max(when, self.logins.get(account, 0))

    def add_app_password(self, number: int, when: int, address: str) -> None:
        with self._lock:
            self.app_passwords[number] = max(
                (when, address), self.app_passwords.get(number, (0, ""))
            )

    def take(self) -> _News:
        """All of it, leaving nothing."""
        taken = _News()
        with self._lock:
            taken.usage, self.usage = self.usage, {}
            taken.logins, self.logins = self.logins, {}
            taken.app_passwords, self.app_passwords = self.app_passwords, {}
        return taken

    def put_back(self, taken: _News) -> None:
        for account, (octets, ledger_seq) in taken.usage.items():
            self.add_usage(account, octets, ledger_seq)
        for account, when in taken.logins.items():
            self.add_login(account, when)
        for number, (when, address) in taken.app_passwords.items():
            self.add_app_password(number, when, address)

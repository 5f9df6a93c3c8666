"""All accounts: which files are open, who is told of changes, what is done meanwhile."""

from __future__ import annotations

import resource
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from mailhub import log
from mailhub.config.options import Pop3Config, StoreConfig
from mailhub.interfaces import IAccount, IMailStore, IStaging
from mailhub.model.errors import Unavailable
from mailhub.model.mail import AccountId, MailboxId
from mailhub.model.quota import Quota
from mailhub.store.hub.datadir import NETWORK_FILE_SYSTEMS, file_system
from mailhub.store.runner import Runner
from mailhub.store.spool import Staging
from mailhub.store.sqlite import housekeeping
from mailhub.store.sqlite.account import SqliteAccount
from mailhub.store.sqlite.accountfile import AccountFile
from mailhub.store.sqlite.columncache import ColumnCache
from mailhub.store.sqlite.files import check_library, make_template
from mailhub.store.sqlite.groupcommit import Committed
from mailhub.store.sqlite.journal import Journal
from mailhub.store.sqlite.replay import replay
from mailhub.store.sqlite.seams import (
    AccountFiles,
    AccountRecord,
    Accounts,
    Bell,
    LocalBell,
    LocalLocks,
    MaildropLocks,
)
from mailhub.store.sqlite.space import Space
from mailhub.store.sqlite.watchers import Watchers

DESCRIPTORS_PER_ACCOUNT = 7
OTHER_DESCRIPTORS = 128
"""The hub, listeners, logs, messages that spool to the disk."""
UPKEEP_SECONDS = 30.0
POLL_SECONDS = 0.01


@implementer(IMailStore)
class SqliteStore:
    def __init__(
        self,
        data: AccountFiles,
        accounts: Accounts,
        runner: Runner,
        *,
        config: StoreConfig | None = None,
        uidl_format: str = Pop3Config().uidl_format,
        bell: Bell | None = None,
        locks: MaildropLocks | None = None,
        max_connections: int = 0,
        clock: Callable[[], float] = time.time,
        measured: Callable[[str, float], None] = lambda outcome, seconds: None,
    ) -> None:
        """*measured* is told of every transaction: ``ok`` or ``failed``, and its seconds."""
        self.config = config or StoreConfig()
        self.locks = locks or LocalLocks()
        self.space = Space(data.path, self.config.min_free, clock)
        self._data = data
        self._accounts = accounts
        self._runner = runner
        self._clock = clock
        self._measured = measured
        self._uidl_format = uidl_format
        self._spool = data.spool
        self._bell = bell or LocalBell()
        self._watchers = Watchers(self._bell)
        self._columns = ColumnCache(self.config.column_cache)
        self._journal = Journal(data.journal, runner)
        self._files: OrderedDict[AccountId, AccountFile] = OrderedDict()
        self._most_open = most_open(self.config.open_accounts, max_connections)
        self._call_off_upkeep: Callable[[], None] | None = None

    # --- life

    async def start(self) -> None:
        """Raises Unavailable when mail cannot be kept here."""
        check_library()
        self._data.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._data.spool.mkdir(mode=0o700, exist_ok=True)
        kind = file_system(self._data.path)
        if kind in NETWORK_FILE_SYSTEMS:
            raise Unavailable(
                f"{self._data.path} is on a network file system ({kind}), where SQLite's locks"
                " cannot be trusted; mailhub needs a local one"
            )
        self._template = await self._runner.run(make_template, self._data.path)
        await self._runner.run(replay, self._data.journal, self._data.account_file)
        self._call_off_upkeep = self._runner.later(UPKEEP_SECONDS, self._upkeep_is_due)
        log.event("store.opened", path=str(self._data.path))

    async def stop(self) -> None:
        """Finish what is going on and close all files; nothing new may be asked for."""
        if self._call_off_upkeep is not None:
            self._call_off_upkeep()
        for account in list(self._files):
            await self.close_account(account)
        await self._journal.close()

    async def close_account(self, account: AccountId) -> None:
        """Close an account's file, before it is replaced or deleted."""
        while (file := self._files.get(account)) is not None:
            if file.idle:
                del self._files[account]
                await file.close()
            else:
                await self._pause()

    def _pause(self) -> Deferred[None]:
        pause: Deferred[None] = Deferred()
        self._runner.later(POLL_SECONDS, lambda: pause.callback(None))
        return pause

    # --- IMailStore

    async def account(self, account: AccountId) -> IAccount:
        return SqliteAccount(self, self._accounts.account(account))

    def stage(self, size_hint: int = 0) -> IStaging:
        self.space.check(size_hint)
        return Staging(self._spool, self._runner, self.space.check)

    # --- for the accounts

    def file(self, record: AccountRecord) -> AccountFile:
        """The account's file; in a thread it is opened when it is first used."""
        file = self._files.get(record.id)
        if file is not None:
            self._files.move_to_end(record.id)
            return file
        path = self._data.account_file(record.id)
        template = None if path.exists() or not self._is_new(record) else self._template
        file = AccountFile(
            record,
            path,
            template,
            self._runner,
            self._clock,
            self._published,
            self._uidl,
            partial(self._accounts.terms, record.id),
            self._columns,
            self._journal,
        )
        self._files[record.id] = file
        self._close_some()
        return file

    def quota(self, record: AccountRecord) -> Quota:
        """What the account may keep, as of now."""
        return self._accounts.terms(record.id).quota

    def check_total(self, record: AccountRecord, octets: int, messages: int) -> None:
        """Whether the domain has room as of now.  Raises OverQuota, Unavailable."""
        self._accounts.check_total(record.id, octets, messages)

    def _is_new(self, record: AccountRecord) -> bool:
        return self._accounts.is_new(record.id)

    def _uidl(self, uidvalidity: int, uid: int) -> str:
        return self._uidl_format.format(uidvalidity=uidvalidity, uid=uid)

    def _close_some(self) -> None:
        """Close those that nobody has used for the longest time."""
        surplus = len(self._files) - self._most_open
        if surplus <= 0:
            return
        idle = [account for account, file in self._files.items() if file.idle]
        for account in idle[:surplus]:
            if account != next(reversed(self._files)):
                closing = self._files.pop(account).close()
                closing.addErrback(partial(log.failure, "error", what="closing an account file"))

    # --- news

    def watch(
        self, record: AccountRecord, callback: Callable[[MailboxId | None], None]
    ) -> Callable[[], None]:
        return self._watchers.add(record.number, callback)

    def _published(self, record: AccountRecord, committed: Committed) -> None:
        """After every commit, in the order of the commits of an account."""
        self._measured("failed" if committed.failed else "ok", committed.seconds)
        if not committed.touched:
            return
        self._bell.ring(record.number)
        if committed.usage is not None:
            self._accounts.record_usage(record.id, *committed.usage)
        file = self._files.get(record.id)
        if file is not None:
            file.upkeep_at = min(file.upkeep_at, self._clock() + self.config.expunge_grace + 1)
        self._watchers.tell(record.number, committed.touched)

    # --- upkeep

    def _upkeep_is_due(self) -> None:
        self._call_off_upkeep = self._runner.later(UPKEEP_SECONDS, self._upkeep_is_due)
        self.upkeep()

    def upkeep(self) -> None:
        """Purge what is past its grace period, collect orphans, give free pages back."""
        now = self._clock()
        for account, file in list(self._files.items()):
            if file.upkeep_at <= now and file.idle:
                self._keep_up(account, file)

    def _keep_up(self, account: AccountId, file: AccountFile) -> None:
        file.upkeep_at = float("inf")
        done = file.commit_lazily(housekeeping.upkeep, self.config.expunge_grace)
        done.addCallback(partial(self._kept_up, account, file))
        done.addErrback(self._not_kept_up)

    def _kept_up(self, account: AccountId, file: AccountFile, again_at: float) -> None:
        file.upkeep_at = min(file.upkeep_at, again_at)
        if again_at <= self._clock() and self._files.get(account) is file:
            self._keep_up(account, file)

    def _not_kept_up(self, failure: Failure) -> None:
        # Nothing is lost: it is tried again after the next commit.
        if failure.check(Unavailable) is None:
            log.failure("error", failure, what="upkeep of an account file")


def most_open(wanted: int, max_connections: int) -> int:
    """How many account files to keep open with the descriptors that the process may have.

    Connections come first, but a quarter is left to files in any case: opening one again for
    every delivery costs five times what the delivery does.
    """
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare = max(descriptors - max_connections - OTHER_DESCRIPTORS, descriptors // 4)
    return max(8, min(wanted, spare // DESCRIPTORS_PER_ACCOUNT))

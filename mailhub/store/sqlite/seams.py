"""What the engine needs from what spans accounts, and in-process versions of it.

The hub provides these for a server of many processes; the ``Local...`` classes serve one process
that is alone with its data: embedded use and tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mailhub.model.errors import InUse, NoSuchAccount
from mailhub.model.mail import AccountId, Usage
from mailhub.model.quota import UNLIMITED, Quota


class AccountRecord(Protocol):
    """What the engine must know of an account."""

    @property
    def id(self) -> AccountId: ...

    @property
    def number(self) -> int:
        """Small, never reused: the account's place in the bell and in the lock file."""

    @property
    def address(self) -> str: ...


class Claim(Protocol):
    """What one transaction wants of its domain's total; in the thread of its writer.

    It counts from when it is taken until it is settled, whatever happens to this process.
    """

    def take(self, octets: int, messages: int) -> None:
        """Raises OverQuota, Unavailable.  Taken again, it replaces what was taken before."""

    def hold(self) -> None:
        """Before a COMMIT that changes the usage.  Raises Unavailable."""

    def settle(self, usage: tuple[Usage, int] | None) -> None:
        """The transaction is over: the new usage and its ledger_seq, or None.  Never raises."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a transaction has to keep to.  ``claim``: the domain has a total."""

    quota: Quota = UNLIMITED
    claim: Claim | None = None


NO_TERMS = Terms()


class Accounts(Protocol):
    """Who exists.  All methods are immediate."""

    def account(self, account: AccountId) -> AccountRecord:
        """Raises NoSuchAccount."""

    def is_new(self, account: AccountId) -> bool:
        """Nothing was ever recorded of it: its file may be made.

        The missing file of any other account is a loss, not to be hidden by an empty one.
        """

    def record_usage(self, account: AccountId, usage: Usage, ledger_seq: int) -> None:
        """The account's usage as of *ledger_seq*; an older one never overwrites a newer one."""

    def terms(self, account: AccountId) -> Terms:
        """For one transaction that begins now.  Raises Unavailable."""

    def check_total(self, account: AccountId, octets: int, messages: int) -> None:
        """Whether the domain has room for so much as of now.  Raises OverQuota, Unavailable."""


class AccountFiles(Protocol):
    """Where things lie."""

    @property
    def spool(self) -> Path: ...

    @property
    def journal(self) -> Path: ...

    @property
    def path(self) -> Path: ...

    def account_file(self, account: AccountId) -> Path: ...


class Bell(Protocol):
    """Tells other processes that an account has changed."""

    def ring(self, account_number: int) -> None: ...

    def watch(self, account_number: int, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* in the reactor when another process rang; returns the undo."""


class MaildropLocks(Protocol):
    def lock(self, account_number: int) -> Callable[[], None]:
        """Take POP3's lock or raise InUse; returns the release, to be called once."""


# --- one process, alone -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LocalRecord:
    id: AccountId
    number: int
    address: str


@dataclass(slots=True)
class LocalAccounts:
    records: dict[AccountId, LocalRecord] = field(default_factory=dict)
    usages: dict[AccountId, tuple[int, Usage]] = field(default_factory=dict)
    quotas: dict[AccountId, Quota] = field(default_factory=dict)

    def add(self, address: str) -> AccountId:
        account = AccountId(f"{len(self.records) + 1:08x}")
        self.records[account] = LocalRecord(account, len(self.records) + 1, address)
        return account

    def account(self, account: AccountId) -> LocalRecord:
        try:
            return self.records[account]
        except KeyError:
            raise NoSuchAccount from None

    def is_new(self, account: AccountId) -> bool:
        return account not in self.usages

    def record_usage(self, account: AccountId, usage: Usage, ledger_seq: int) -> None:
        if ledger_seq >= self.usages.get(account, (0, usage))[0]:
            self.usages[account] = (ledger_seq, usage)

    def terms(self, account: AccountId) -> Terms:
        return Terms(self.quotas.get(account, UNLIMITED))

    def check_total(self, account: AccountId, octets: int, messages: int) -> None:
        """There are no domains."""


class LocalBell:
    """Nobody else is there to be told."""

    def ring(self, account_number: int) -> None:
        pass

    def watch(self, account_number: int, callback: Callable[[], None]) -> Callable[[], None]:
        return lambda: None


class LocalLocks:
    def __init__(self) -> None:
        self._held: set[int] = set()

    def lock(self, account_number: int) -> Callable[[], None]:
        if account_number in self._held:
            raise InUse
        self._held.add(account_number)
        return lambda: self._held.discard(account_number)


@dataclass(frozen=True, slots=True)
class LocalFiles:
    path: Path

    @property
    def spool(self) -> Path:
        return self.path / "spool"

    @property
    def journal(self) -> Path:
        return self.path / "journal"

    def account_file(self, account: AccountId) -> Path:
        return self.path / "accounts" / account[:2] / f"{account}.db"

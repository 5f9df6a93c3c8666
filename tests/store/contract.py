"""What the contract tests need of an engine, and the engines they run on.

``test_contract_*.py`` hold for every engine; a new one is a row in :data:`ENGINES`.
"""

from __future__ import annotations

import functools
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mailhub.interfaces import IAccount, IMailbox, IMailStore, Incoming, IStaged
from mailhub.model.mail import Appended, InternalDate, MailboxId
from mailhub.model.names import INBOX, MailboxName, mailbox_name
from mailhub.model.numbers import ModSeq, NumberSet, Uid
from mailhub.model.quota import Quota
from mailhub.store.runner import InlineRunner
from mailhub.store.sqlite.check import check_account
from mailhub.store.sqlite.files import open_for_check
from mailhub.store.sqlite.seams import LocalAccounts, LocalFiles
from mailhub.store.sqlite.store import SqliteStore
from tests.harness import run
from tests.memory_store import MemoryStore

MESSAGE = b"From: Ann <ann@example.org>\r\nSubject: tea\r\n\r\nHow about tea?\r\n"


@dataclass
class Clock:
    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """An account of a store under test, with INBOX in it."""

    store: IMailStore
    account: IAccount
    clock: Clock
    prove: Callable[[], None]
    """Raises if something is wrong inside."""
    limit: Callable[[Quota], None]
    """From now on the account may keep so much."""
    told: list[MailboxId | None] = field(default_factory=list)

    def staged(self, data: bytes = MESSAGE) -> IStaged:
        async def stage() -> IStaged:
            staging = self.store.stage(len(data))
            for start in range(0, len(data), 50_000):
                await staging.write(data[start : start + 50_000])
            return await staging.finish()

        return run(stage())

    def incoming(
        self, data: bytes = MESSAGE, *flags: str, date: InternalDate | None = None
    ) -> Incoming:
        return Incoming(self.staged(data), frozenset(flags), date)

    def append(self, *messages: Incoming | bytes, to: str = INBOX) -> Appended:
        incoming = [m if isinstance(m, Incoming) else self.incoming(m) for m in messages]
        return run(self.account.append(mailbox_name(to), incoming))

    def fill(self, count: int, to: str = INBOX) -> IMailbox:
        """A mailbox with *count* messages, UIDs from 1 on."""
        for _ in range(count):
            self.append(MESSAGE, to=to)
        return self.mailbox(to)

    def create(self, name: str) -> IMailbox:
        run(self.account.create(mailbox_name(name)))
        return self.mailbox(name)

    def mailbox(self, name: str = INBOX) -> IMailbox:
        return run(self.account.open(mailbox_name(name)))

    def names(self) -> list[str]:
        return [entry.name for entry in run(self.account.mailboxes()) if entry.id is not None]


def uids(box: IMailbox) -> list[int]:
    """The UIDs that are there now."""
    return list(run(box.uids(ModSeq(2**62))))


def modseq(box: IMailbox) -> ModSeq:
    return run(box.status()).highest_modseq


def flags_of(box: IMailbox, uid: int) -> set[str]:
    from mailhub.model.flags import flag_names

    rows = run(box.flags(NumberSet.of(uid)))
    return set(flag_names(rows.flags[0], run(box.status()).keywords))


def contents(box: IMailbox, uid: int, piece: int = 2**20) -> bytes:
    """A message as read in pieces."""
    data = b""
    while octets := run(box.read(Uid(uid), len(data), piece)):
        data += octets
    return data


def numbers(*ranges: tuple[int, int]) -> NumberSet:
    return NumberSet.of_ranges(ranges)


def listed(values: array[int] | Sequence[int]) -> list[int]:
    return list(values)


# --- the engines --------------------------------------------------------------------------


def memory(folder: Path) -> World:
    clock = Clock()
    store = MemoryStore(clock)
    account = store.add_account("ann@example.org")

    def limit(quota: Quota) -> None:
        account.limits = quota

    return World(store, account, clock, lambda: None, limit)


def sqlite(folder: Path) -> World:
    clock = Clock()
    accounts = LocalAccounts()
    account = accounts.add("ann@example.org")
    files = LocalFiles(folder)
    store = SqliteStore(files, accounts, InlineRunner(), clock=clock)
    run(store.start())
    prove = functools.partial(prove_sqlite, store, files.account_file(account))

    def limit(quota: Quota) -> None:
        accounts.quotas[account] = quota

    return World(store, run(store.account(account)), clock, prove, limit)


def prove_sqlite(store: SqliteStore, path: Path) -> None:
    run(store.stop())
    if path.exists():
        db = open_for_check(path)
        assert check_account(db) == []
        db.close()


ENGINES: dict[str, Callable[[Path], World]] = {"memory": memory, "sqlite": sqlite}

__all__ = [
    "ENGINES",
    "INBOX",
    "MESSAGE",
    "Clock",
    "MailboxName",
    "World",
    "contents",
    "flags_of",
    "listed",
    "modseq",
    "numbers",
    "uids",
]

"""An account of which mail may only be read, whatever protocol asks.

For log-ins by a secret that allows no more.  ``read_only`` tells protocols, so that they select as
EXAMINE does and mark nothing as read; whoever does not look at it is refused here.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import NoReturn

from zope.interface import implementer

from mailhub.interfaces import IAccount, IMailbox, Incoming, IStaging
from mailhub.model.errors import NotPermitted
from mailhub.model.flags import FlagChange
from mailhub.model.mail import (
    Changes,
    Field,
    FlagRows,
    Found,
    MailboxEntry,
    MailboxId,
    MailboxStatus,
    Rows,
    SpecialUse,
    Usage,
)
from mailhub.model.names import MailboxName
from mailhub.model.numbers import ModSeq, NumberSet, Uid
from mailhub.model.quota import QuotaStatus
from mailhub.model.search import Query


def refuse() -> NoReturn:
    raise NotPermitted("This log-in may only read")


@implementer(IAccount)
class ReadOnlyAccount:
    """*account*, to be looked at."""

    read_only = True

    def __init__(self, account: IAccount) -> None:
        self._account = account
        self.id = account.id
        self.address = account.address

    async def mailboxes(self) -> list[MailboxEntry]:
        return await self._account.mailboxes()

    async def open(self, name: MailboxName) -> IMailbox:
        return ReadOnlyMailbox(await self._account.open(name))

    async def status(self, name: MailboxName) -> MailboxStatus:
        return await self._account.status(name)

    async def create(
        self, name: MailboxName, special_use: frozenset[SpecialUse] = frozenset()
    ) -> NoReturn:
        refuse()

    async def delete(self, name: MailboxName) -> NoReturn:
        refuse()

    async def rename(self, old: MailboxName, new: MailboxName) -> NoReturn:
        refuse()

    async def subscribe(self, name: MailboxName, subscribed: bool = True) -> NoReturn:
        refuse()

    async def furnish(self, folders: Sequence[tuple[MailboxName, SpecialUse]]) -> NoReturn:
        refuse()

    def stage(self, size_hint: int = 0) -> IStaging:
        refuse()

    async def append(self, name: MailboxName, messages: Sequence[Incoming]) -> NoReturn:
        refuse()

    def max_message(self) -> int:
        return self._account.max_message()

    async def usage(self) -> Usage:
        return await self._account.usage()

    async def quota(self) -> QuotaStatus:
        return await self._account.quota()

    async def check_room(self, name: MailboxName, octets: int, messages: int = 1) -> NoReturn:
        refuse()

    def watch(self, callback: Callable[[MailboxId | None], None]) -> Callable[[], None]:
        return self._account.watch(callback)

    async def lock_maildrop(self) -> Callable[[], None]:
        return await self._account.lock_maildrop()


@implementer(IMailbox)
class ReadOnlyMailbox:
    """*mailbox*, to be looked at."""

    def __init__(self, mailbox: IMailbox) -> None:
        self._mailbox = mailbox
        self.id = mailbox.id
        self.opened = mailbox.opened

    async def status(self) -> MailboxStatus:
        return await self._mailbox.status()

    async def uids(self, at: ModSeq) -> array[int]:
        return await self._mailbox.uids(at)

    async def changes(self, since: ModSeq) -> Changes:
        return await self._mailbox.changes(since)

    async def flags(
        self,
        uids: NumberSet,
        after: Uid | None = None,
        limit: int = 10_000,
        modseqs: bool = True,
    ) -> FlagRows:
        return await self._mailbox.flags(uids, after, limit, modseqs)

    async def rows(
        self,
        fields: Sequence[Field],
        uids: NumberSet,
        after: Uid | None = None,
        limit: int = 500,
        octets: int = 262_144,
    ) -> Rows:
        return await self._mailbox.rows(fields, uids, after, limit, octets)

    async def read(self, uid: Uid, start: int, octets: int) -> bytes:
        return await self._mailbox.read(uid, start, octets)

    async def store(
        self,
        uids: NumberSet,
        change: FlagChange,
        flags: frozenset[str],
        unchanged_since: ModSeq | None = None,
    ) -> NoReturn:
        refuse()

    async def copy(self, uids: NumberSet, target: MailboxName) -> NoReturn:
        refuse()

    async def move(self, uids: NumberSet, target: MailboxName) -> NoReturn:
        refuse()

    async def expunge(self, uids: NumberSet | None = None) -> NoReturn:
        refuse()

    async def remove(self, uids: NumberSet) -> NoReturn:
        refuse()

    async def search(self, query: Query) -> Found:
        return await self._mailbox.search(query)

    async def claim_recent(self) -> NoReturn:
        refuse()

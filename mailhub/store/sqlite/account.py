"""One account, as ``interfaces.IAccount`` wants it; also the avatar of those who log in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from zope.interface import implementer

from mailhub.interfaces import IAccount, IMailbox, Incoming, IStaging
from mailhub.model.mail import (
    Appended,
    MailboxEntry,
    MailboxId,
    MailboxStatus,
    SpecialUse,
    Usage,
)
from mailhub.model.names import MailboxName
from mailhub.model.quota import Entry, Quota, QuotaStatus
from mailhub.store.spool import IN_MEMORY, Staged
from mailhub.store.sqlite import admission, boxes, filing, folders, housekeeping, ledger
from mailhub.store.sqlite.accountfile import AccountFile
from mailhub.store.sqlite.connection import value
from mailhub.store.sqlite.filing import CHUNK_OCTETS, CHUNKS_AT_ONCE, Letter
from mailhub.store.sqlite.mailbox import SqliteMailbox
from mailhub.store.sqlite.seams import AccountRecord

if TYPE_CHECKING:
    import apsw

    from mailhub.store.sqlite.store import SqliteStore

SMALL_LETTERS = 4


@implementer(IAccount)
class SqliteAccount:
    read_only = False

    def __init__(self, store: SqliteStore, record: AccountRecord) -> None:
        self._store = store
        self._record = record
        self.id = record.id
        self.address = record.address

    @property
    def file(self) -> AccountFile:
        """The open file; to be asked for anew after every wait."""
        return self._store.file(self._record)

    # --- names

    async def mailboxes(self) -> list[MailboxEntry]:
        return await self.file.read(folders.entries)

    async def open(self, name: MailboxName) -> IMailbox:
        return SqliteMailbox(self, await self.file.read(boxes.status_of_name, name))

    async def status(self, name: MailboxName) -> MailboxStatus:
        return await self.file.read(boxes.status_of_name, name)

    async def create(
        self, name: MailboxName, special_use: frozenset[SpecialUse] = frozenset()
    ) -> MailboxStatus:
        most = self._store.config.max_mailboxes
        return await self.file.commit(folders.create, name, special_use, most)

    async def delete(self, name: MailboxName) -> None:
        await self.file.commit(folders.delete, name)

    async def rename(self, old: MailboxName, new: MailboxName) -> None:
        await self.file.commit(folders.rename, old, new, self._store.config.max_mailboxes)

    async def subscribe(self, name: MailboxName, subscribed: bool = True) -> None:
        await self.file.commit(folders.subscribe, name, subscribed)

    async def furnish(self, wanted: Sequence[tuple[MailboxName, SpecialUse]]) -> None:
        await self.file.commit(folders.furnish, wanted, self._store.config.max_mailboxes)

    # --- messages

    def stage(self, size_hint: int = 0) -> IStaging:
        return self._store.stage(size_hint)

    async def append(self, name: MailboxName, messages: Sequence[Incoming]) -> Appended:
        staged = [cast(Staged, message.staged) for message in messages]
        self._store.space.check(sum(one.size for one in staged))
        letters: list[Letter] = []
        try:
            for message, one in zip(messages, staged, strict=True):
                letter = Letter(message, one)
                if letter.rest_octets > CHUNK_OCTETS:
                    letter = await self._in_chunks(letter)
                letters.append(letter)
            file = self.file
            commit = file.commit_journaled if _are_small(staged) else file.commit
            return await commit(filing.file, name, letters, file.uidl)
        except BaseException:
            self._forget(letters)
            raise

    async def _in_chunks(self, letter: Letter) -> Letter:
        """*letter* with its chunks staged."""
        content = await self.file.commit_lazily(filing.begin_chunks)
        letter = Letter(letter.incoming, letter.staged, content)
        try:
            for first in range(0, -(-letter.rest_octets // CHUNK_OCTETS), CHUNKS_AT_ONCE):
                await self.file.commit_lazily(filing.add_chunks, content, letter, first)
        except BaseException:
            self._forget([letter])
            raise
        return letter

    def _forget(self, letters: Sequence[Letter]) -> None:
        """Remove staged chunks.  What cannot be removed now is collected later."""
        contents = {letter.content for letter in letters if letter.content is not None}
        if contents:
            removed = self.file.commit_lazily(housekeeping.delete_staged, contents)
            removed.addErrback(lambda failure: None)

    async def usage(self) -> Usage:
        return await self.file.read(admission.stored_usage)

    async def quota(self) -> QuotaStatus:
        quota = self._store.quota(self._record)
        return await self.file.read(_quota_status, quota, self._store.config.max_mailboxes)

    def max_message(self) -> int:
        return self._store.quota(self._record).message_octets

    async def check_room(self, name: MailboxName, octets: int, messages: int = 1) -> None:
        quota = self._store.quota(self._record)
        if quota.has_total:
            self._store.check_total(self._record, octets, messages)
        if quota.limits_mail:
            await self.file.read(admission.check_room, quota, name, octets, messages)

    async def ledger(self, most: int) -> list[Entry]:
        """The newest entries, for whoever explains a quota."""
        return await self.file.read(ledger.entries, most)

    # --- news

    def watch(self, callback: Callable[[MailboxId | None], None]) -> Callable[[], None]:
        return self._store.watch(self._record, callback)

    async def lock_maildrop(self) -> Callable[[], None]:
        return self._store.locks.lock(self._record.number)


def _are_small(staged: Sequence[Staged]) -> bool:
    """In memory, and few: filing them takes a fraction of a millisecond."""
    return len(staged) <= SMALL_LETTERS and sum(one.size for one in staged) <= IN_MEMORY


def _quota_status(db: apsw.Connection, quota: Quota, most_mailboxes: int) -> QuotaStatus:
    used = admission.counted(db, quota, admission.stored_usage(db))
    mailboxes = value(db, "SELECT count(*) FROM mailbox")
    return QuotaStatus(quota, used, mailboxes, most_mailboxes)

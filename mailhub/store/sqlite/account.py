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
from mailhub.store.spool import IN_MEMORY, Staged
from mailhub.store.sqlite import boxes, filing, folders, housekeeping
from mailhub.store.sqlite.accountfile import AccountFile
from mailhub.store.sqlite.connection import row
from mailhub.store.sqlite.filing import CHUNK_OCTETS, CHUNKS_AT_ONCE, Letter
from mailhub.store.sqlite.mailbox import SqliteMailbox
from mailhub.store.sqlite.seams import AccountRecord

if TYPE_CHECKING:
    import apsw

    from mailhub.store.sqlite.store import SqliteStore

SMALL_LETTERS = 4


@implementer(IAccount)
class SqliteAccount:
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
        status = await self.file.read(boxes.status_of_name, name)
        return SqliteMailbox(self, status.id)

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

    # --- messages

    def stage(self, size_hint: int = 0) -> IStaging:
        return self._store.stage(size_hint)

    async def append(self, name: MailboxName, messages: Sequence[Incoming]) -> Appended:
        staged = [cast(Staged, message.staged) for message in messages]
        self._store.space.check(sum(one.size for one in staged))
        letters: list[Letter] = []
        try:
            for message, one in zip(messages, staged, strict=True):
                letters.append(await self._prepared(Letter(message, one)))
            file = self.file
            commit = file.commit_small if _are_small(staged) else file.commit
            return await commit(filing.file, name, letters, file.uidl)
        except BaseException:
            self._forget(letters)
            raise

    async def _prepared(self, letter: Letter) -> Letter:
        """*letter* with its chunks staged if it is long."""
        if letter.rest_octets <= CHUNK_OCTETS:
            return letter
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
        return await self.file.read(usage)

    # --- news

    def watch(self, callback: Callable[[MailboxId | None], None]) -> Callable[[], None]:
        return self._store.watch(self._record, callback)

    async def lock_maildrop(self) -> Callable[[], None]:
        return self._store.locks.lock(self._record.number)


def _are_small(staged: Sequence[Staged]) -> bool:
    """In memory, and few: filing them takes a fraction of a millisecond."""
    return len(staged) <= SMALL_LETTERS and sum(one.size for one in staged) <= IN_MEMORY


def usage(db: apsw.Connection) -> Usage:
    found = row(db, "SELECT octets, messages FROM account")
    assert found is not None
    return Usage(*found)

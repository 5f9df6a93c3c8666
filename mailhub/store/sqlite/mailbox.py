"""One mailbox of an account, as ``interfaces.IMailbox`` wants it.

It holds its id and nothing of the database, so any number of them may exist for any time.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

import apsw
from zope.interface import implementer

from mailhub.interfaces import IMailbox
from mailhub.model.flags import FlagChange
from mailhub.model.mail import (
    Changes,
    Copied,
    Field,
    FlagRows,
    Found,
    MailboxStatus,
    Rows,
    Stored,
)
from mailhub.model.names import MailboxName
from mailhub.model.numbers import ModSeq, NumberSet, Uid
from mailhub.model.search import Query
from mailhub.store.sqlite import (
    boxes,
    columns,
    content,
    flagging,
    folders,
    moving,
    rows,
    searching,
    views,
)
from mailhub.store.sqlite.accountfile import AccountFile
from mailhub.store.sqlite.columns import INLINE_ROWS, NOTHING, Column, Columns, TooLong

if TYPE_CHECKING:
    from mailhub.store.sqlite.account import SqliteAccount

FEW = 500
"""Flags of so few are read from the file, those of more from columns in memory."""
FLAGS = frozenset((Column.FLAGS,))
FLAGS_AND_MODSEQS = frozenset((Column.FLAGS, Column.MODSEQ))
SMALL_SET = 16
"""Changes of so many messages run in the reactor."""


@implementer(IMailbox)
class SqliteMailbox:
    def __init__(self, account: SqliteAccount, opened: MailboxStatus) -> None:
        self._account = account
        self.id = opened.id
        self.opened = opened

    @property
    def _file(self) -> AccountFile:
        return self._account.file

    # --- reading

    async def status(self) -> MailboxStatus:
        return await self._file.read(boxes.status, self.id)

    async def uids(self, at: ModSeq) -> array[int]:
        known = self._file.columns_of(self.id)
        if known is not None and known.modseq == at:
            return known.uids()
        while True:
            live = await self._columns(NOTHING)
            uids = await self._file.read(views.uids_at, self.id, at, live)
            if uids is not None:  # nothing changed in between
                return uids

    async def _columns(self, wanted: frozenset[Column]) -> Columns:
        """The mailbox as it is now."""
        known = self._file.columns_of(self.id)
        try:
            found = await self._file.read(columns.read, self.id, known, wanted, INLINE_ROWS)
        except TooLong:
            found = await self._file.read_in_thread(columns.read, self.id, known, wanted, None)
        self._file.keep_columns(self.id, found)
        return found

    async def changes(self, since: ModSeq) -> Changes:
        try:
            return await self._file.read(self._changes, since)
        except TooLong:
            return await self._file.read_in_thread(views.changes, self.id, since, None)

    def _changes(self, db: apsw.Connection, since: ModSeq) -> Changes:
        """Read once for all sessions that idle on a mailbox: they ask at the same moment."""
        asked = (views.edition(db), self.id, since)
        known = self._file.changes
        if known is None or known[0] != asked:
            known = self._file.changes = (
                asked,
                views.changes(db, self.id, since, INLINE_ROWS),
            )
        return known[1]

    async def flags(
        self,
        uids: NumberSet,
        after: Uid | None = None,
        limit: int = 10_000,
        modseqs: bool = True,
    ) -> FlagRows:
        if len(uids.ranges) == 1 and uids.highest - uids.lowest > FEW:
            now = await self._columns(FLAGS_AND_MODSEQS if modseqs else FLAGS)
            return views.flags_in(now, uids, after or 0, limit, modseqs)
        return await self._file.read(views.flags, self.id, uids, after or 0, limit, modseqs)

    async def rows(
        self,
        fields: Sequence[Field],
        uids: NumberSet,
        after: Uid | None = None,
        limit: int = 500,
        octets: int = 262_144,
    ) -> Rows:
        return await self._file.read(rows.rows, fields, self.id, uids, after or 0, limit, octets)

    async def read(self, uid: Uid, start: int, octets: int) -> bytes:
        return await self._file.read(content.read, self.id, uid, start, octets)

    async def search(self, query: Query) -> Found:
        known = self._file.columns_of(self.id)
        try:
            found, seen = await self._file.read(searching.search_at_once, self.id, query, known)
        except TooLong:
            found, seen = await self._file.read_in_thread(searching.search, self.id, query, known)
        self._file.keep_columns(self.id, seen)
        return found

    # --- changing

    async def store(
        self,
        uids: NumberSet,
        change: FlagChange,
        flags: frozenset[str],
        unchanged_since: ModSeq | None = None,
    ) -> Stored:
        file = self._file
        commit = file.commit_small_lazily if _are_few(uids) else file.commit_lazily
        return await commit(flagging.store, self.id, uids, change, flags, unchanged_since)

    async def copy(self, uids: NumberSet, target: MailboxName) -> Copied:
        commit = self._file.commit_small if _are_few(uids) else self._file.commit
        return await commit(moving.copy, self.id, uids, target)

    async def move(self, uids: NumberSet, target: MailboxName) -> Copied:
        commit = self._file.commit_small if _are_few(uids) else self._file.commit
        return await commit(moving.move, self.id, uids, target)

    async def expunge(self, uids: NumberSet | None = None) -> NumberSet:
        few = uids is not None and _are_few(uids)
        commit = self._file.commit_small if few else self._file.commit
        return await commit(moving.expunge, self.id, uids)

    async def remove(self, uids: NumberSet) -> NumberSet:
        commit = self._file.commit_small if _are_few(uids) else self._file.commit
        return await commit(moving.remove, self.id, uids)

    async def claim_recent(self) -> Uid:
        file = self._file
        while True:
            uidnext = await file.read(views.all_claimed, self.id)
            if uidnext is not None:
                return uidnext
            first = await file.claiming.alone(
                lambda: file.commit_small_lazily(folders.claim_recent, self.id)
            )
            if first is not None:
                return Uid(first)


def _are_few(uids: NumberSet) -> bool:
    """Changing so many messages takes well under a millisecond."""
    return len(uids) <= SMALL_SET

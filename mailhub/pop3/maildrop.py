"""INBOX as it was when a client logged in, packed: message numbers, sizes, unique ids.  RFC 1939.

A hundred thousand messages are three arrays and one string, not a hundred thousand objects.
Numbers never change during a session (1939 3), whatever other sessions do to the mailbox; a
message that one of them removes can still be read for a while.  Nothing is deleted before
:meth:`Maildrop.commit`.
"""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import accumulate
from typing import cast

from mailhub.interfaces import IAccount, IMailbox
from mailhub.model.errors import Damaged, NotPermitted
from mailhub.model.mail import Field
from mailhub.model.names import INBOX
from mailhub.model.numbers import NumberSet, Uid
from mailhub.pop3.errors import NoSuchMessage

ROWS = 1000
"""Read at once while the snapshot is taken."""
LINES = 2000
"""Of a listing, made at once."""
PIECE = 256 * 1024
"""Of a message, read at once."""


class Maildrop:
    """Use :func:`snapshot`.  Indexes count from 0, message numbers from 1."""

    def __init__(self, mailbox: IMailbox, *, read_only: bool = False) -> None:
        self._mailbox = mailbox
        self._read_only = read_only
        self._uids = array("I")
        self._sizes = array("Q")
        self._uidls = bytearray()
        self._uidl_ends = array("I", [0])
        self._marked = bytearray()
        self.count = 0
        self.octets = 0
        """Of the messages that are not marked as deleted, like ``count``."""

    def add(self, rows: Sequence[tuple[object, ...]]) -> None:
        """Append (uid, size, unique id) rows."""
        if not rows:
            return
        uids, sizes, uidls = zip(*cast("Sequence[tuple[int, int, str]]", rows), strict=True)
        names = [uidl.encode("ascii", "replace") for uidl in uidls]
        self._uids.extend(uids)
        self._sizes.extend(sizes)
        ends = accumulate(map(len, names), initial=self._uidl_ends.pop())
        self._uidl_ends.extend(ends)
        self._uidls += b"".join(names)
        self.octets += sum(sizes)
        self.count += len(rows)
        self._marked += bytes(len(rows))

    def index(self, number: int) -> int:
        """The index of message *number*, or NoSuchMessage if there is none or it is marked."""
        if not 1 <= number <= len(self._uids):
            raise NoSuchMessage(f"There are only {len(self._uids)} messages")
        if self._marked[number - 1]:
            raise NoSuchMessage(f"Message {number} is deleted")
        return number - 1

    @property
    def mailbox(self) -> int:
        """The id of the mailbox."""
        return int(self._mailbox.id)

    def uid(self, index: int) -> int:
        return self._uids[index]

    def size(self, index: int) -> int:
        return self._sizes[index]

    def uidl(self, index: int) -> bytes:
        return bytes(self._uidls[self._uidl_ends[index] : self._uidl_ends[index + 1]])

    def listing(self, line: Callable[[int], bytes]) -> Iterator[bytes]:
        """``number line(index) CRLF`` for each message that is not marked, in slices."""
        for first in range(0, len(self._uids), LINES):
            last = min(first + LINES, len(self._uids))
            yield b"".join(
                b"%d %b\r\n" % (index + 1, line(index))
                for index in range(first, last)
                if not self._marked[index]
            )

    # --- content

    async def read(self, index: int, start: int) -> bytes:
        """The next bytes of a message, at most PIECE; empty at its end.  Raises MessageGone."""
        left = self._sizes[index] - start
        if left <= 0:
            return b""
        data = await self._mailbox.read(Uid(self._uids[index]), start, min(left, PIECE))
        if not data:
            raise Damaged
        return data

    async def header(self, index: int) -> bytes | None:
        """The header block, with its empty line if it has one; None: the message is gone."""
        found = await self._mailbox.rows([Field.HEADER], NumberSet.of(self._uids[index]))
        return cast(bytes, found.rows[0][1]) if found.rows else None

    # --- deleting

    def mark(self, index: int) -> None:
        """Raises NotPermitted, now rather than when everything is removed."""
        if self._read_only:
            raise NotPermitted("This log-in may only read")
        self._marked[index] = 1
        self.count -= 1
        self.octets -= self._sizes[index]

    def unmark_all(self) -> None:
        self._marked = bytearray(len(self._uids))
        self.count = len(self._uids)
        self.octets = sum(self._sizes)

    async def commit(self) -> int:
        """Remove what is marked, durably and all or nothing; how many messages that were."""
        marked = [uid for uid, mark in zip(self._uids, self._marked, strict=True) if mark]
        if not marked:
            return 0
        return len(await self._mailbox.remove(NumberSet.of_sorted(marked)))


async def snapshot(account: IAccount, ready: Callable[[], Awaitable[None]]) -> Maildrop:
    """The maildrop of *account*; *ready* is awaited between slices."""
    mailbox = await account.open(INBOX)
    uids = await mailbox.uids(mailbox.opened.highest_modseq)
    maildrop = Maildrop(mailbox, read_only=account.read_only)
    if not uids:
        return maildrop
    wanted = as_set(uids)
    after: Uid | None = None
    while True:
        found = await mailbox.rows([Field.SIZE, Field.UIDL], wanted, after, ROWS)
        maildrop.add(found.rows)
        if found.resume is None:
            return maildrop
        after = found.resume
        await ready()


def as_set(uids: array[int]) -> NumberSet:
    if uids[-1] - uids[0] == len(uids) - 1:
        return NumberSet(((uids[0], uids[-1]),))
    return NumberSet.of_sorted(uids)

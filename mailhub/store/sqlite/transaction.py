"""A write transaction as the functions that write see it, and the numbers that it gives out.

Modseqs survive a power loss although flag changes commit without waiting for the disk: the file
holds a ceiling that is raised by a durable commit before it is reached, and the first transaction
after a boot continues from the ceiling.  UIDs make a step then: the last that others have seen may
have been lost.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from mailhub.model.errors import Damaged
from mailhub.model.mail import MailboxId, Usage
from mailhub.model.numbers import MAX_UID, ModSeq
from mailhub.store.sqlite.connection import Row, row, value
from mailhub.store.sqlite.ledger import Charge, write
from mailhub.store.sqlite.seams import NO_TERMS, Terms

if TYPE_CHECKING:
    from apsw import Bindings

    from mailhub.store.sqlite.journalfile import FiledLetter

CEILING_STEP = 10_000
UID_STEP = 10_000
"""More messages than can be seen before they are durable."""
HEADROOM = 1_000
"""More than the transactions of one group can use."""

Snapshot = tuple[int, int, int, int, int, int, int, int]


class NeedsDurable(Exception):
    """This transaction has to raise the ceiling, so it must be a durable one."""


@cache
def boot_id() -> str:
    """Differs after every start of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


class Tx:
    """What a closure of a group commit gets.  ``now`` is in seconds since 1970.

    The account's row is read once and written once per transaction, not once per message.
    """

    def __init__(
        self,
        db: apsw.Connection,
        now: int,
        *,
        durable: bool,
        journaled: bool = False,
        after_loss: bool = False,
    ) -> None:
        """Raises NeedsDurable.

        *journaled*: not durable but for the journal.  *after_loss*: transactions of the file are
        known to have been lost, as after a boot they may have been.
        """
        self.db = db
        self.execute = db.execute
        self.now = now
        self.touched: list[MailboxId | None] = []
        """Whose watchers are told after the commit; None: the list of mailboxes."""
        self.terms: Terms = NO_TERMS
        """What the running closure has to keep to."""
        self.filed: list[FiledLetter] | None = [] if journaled else None
        """What the journal is to be told."""
        self._charges: list[Charge] = []
        account = row(
            db,
            "SELECT modseq, last_content, octets, messages, last_uidvalidity, ledger_seq,"
            " modseq_ceiling, boot_id, tag FROM account",
        )
        if account is None:
            raise Damaged
        self.tag: str
        self._modseq: int
        self._content: int
        self._octets: int
        self._messages: int
        self._uidvalidity: int
        self.ledger_seq: int
        """Of the newest entry."""
        self._ceiling: int
        self._modseq, self._content, self._octets, self._messages, self._uidvalidity = account[:5]
        self.ledger_seq, self._ceiling, booted, self.tag = account[5:]
        self._raise_ceiling(durable, lost=after_loss or booted != boot_id())
        self._stored = self.mark()[:5]

    def _raise_ceiling(self, durable: bool, *, lost: bool) -> None:
        if not lost and self._modseq + HEADROOM < self._ceiling:
            return
        if not durable:
            raise NeedsDurable
        if lost:  # what lay between may have been issued
            self._modseq = self._ceiling
            self.execute("UPDATE mailbox SET uidnext = min(uidnext + ?, ?)", (UID_STEP, MAX_UID))
        self._ceiling = self._modseq + CEILING_STEP
        self.execute(
            "UPDATE account SET modseq = ?, modseq_ceiling = ?, boot_id = ?",
            (self._modseq, self._ceiling, boot_id()),
        )

    def rows(self, sql: str, bindings: Bindings = ()) -> list[Row]:
        return self.execute(sql, bindings).fetchall()

    def row(self, sql: str, bindings: Bindings = ()) -> Row | None:
        return row(self.db, sql, bindings)

    def value(self, sql: str, bindings: Bindings = ()) -> Any:
        return value(self.db, sql, bindings)

    def next_modseq(self) -> ModSeq:
        """Above all that the account has issued before."""
        self._modseq += 1
        assert self._modseq <= self._ceiling
        return ModSeq(self._modseq)

    def next_content(self) -> int:
        self._content += 1
        return self._content

    def take_content(self, content: int) -> None:
        """*content* was given before, by a transaction that has been lost."""
        self._content = max(self._content, content)

    def next_uidvalidity(self) -> int:
        """Never given before, not even by a younger copy of this file that was lost."""
        self._uidvalidity = max(self._uidvalidity + 1, self.now)
        return self._uidvalidity

    @property
    def usage(self) -> Usage:
        return Usage(self._octets, self._messages)

    def charge(self, cause: str, mailbox: MailboxId, octets: int, messages: int) -> None:
        """Add to the account's usage, negative to take away."""
        self._octets += octets
        self._messages += messages
        self._charges.append((cause, mailbox, octets, messages))

    def mark(self) -> Snapshot:
        """For :meth:`back_to`, when a closure fails and its savepoint is rolled back."""
        return (
            self._modseq,
            self._content,
            self._octets,
            self._messages,
            self._uidvalidity,
            len(self.touched),
            len(self._charges),
            len(self.filed or ()),
        )

    def back_to(self, mark: Snapshot) -> None:
        self._modseq, self._content, self._octets, self._messages, self._uidvalidity = mark[:5]
        del self.touched[mark[5] :]
        del self._charges[mark[6] :]
        if self.filed is not None:
            del self.filed[mark[7] :]

    def flush(self) -> tuple[Usage, int] | None:
        """Write what was given out; the new usage and its ledger_seq if it has changed."""
        numbers = self.mark()[:5]
        if numbers == self._stored:
            return None
        charged = bool(self._charges)
        if charged:
            self.ledger_seq = write(self.db, self._charges, self.ledger_seq, self.now)
        self.execute(
            "UPDATE account SET modseq = ?, last_content = ?, octets = ?, messages = ?,"
            " last_uidvalidity = ?, ledger_seq = ?",
            (*numbers, self.ledger_seq),
        )
        return (self.usage, self.ledger_seq) if charged else None

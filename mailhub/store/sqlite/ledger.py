"""The ledger of an account: what changed its usage, when, and by how much.

Entries are written by the transaction that changes the messages, and their sum is the usage.  All
that one transaction did for one reason in one mailbox is one entry, so a group of deliveries costs
one row.  The oldest entries are carried forward into one, as in a paper ledger at a page's end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import apsw

from mailhub.model.quota import Entry
from mailhub.store.sqlite.connection import rows

if TYPE_CHECKING:
    from mailhub.model.mail import MailboxId

Charge = tuple[str, "MailboxId", int, int]
"""Cause, mailbox, octets, messages."""

PAGE = 256
"""So many entries are kept at least, and twice as many at most."""


def write(db: apsw.Connection, charges: Iterable[Charge], last: int, now: int) -> int:
    """Add *charges* behind the entry *last*; the number of the newest entry."""
    merged: dict[tuple[str, MailboxId], tuple[int, int]] = {}
    for cause, mailbox, octets, messages in charges:
        before = merged.get((cause, mailbox), (0, 0))
        merged[cause, mailbox] = before[0] + octets, before[1] + messages
    seq = last
    for (cause, mailbox), (octets, messages) in merged.items():
        seq += 1
        db.execute(
            "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)",
            (seq, now, cause, mailbox, octets, messages),
        )
    if last // PAGE != seq // PAGE:
        carry_forward(db, seq - PAGE)
    return seq


def carry_forward(db: apsw.Connection, seq: int) -> None:
    """Make one entry of all up to *seq*."""
    db.execute(
        "INSERT OR REPLACE INTO ledger SELECT max(seq), max(at), 'carried', NULL, sum(octets),"
        " sum(messages) FROM ledger WHERE seq <= ? HAVING count(*) > 1",
        (seq,),
    )
    db.execute(
        "DELETE FROM ledger WHERE seq < (SELECT max(seq) FROM ledger WHERE seq <= ?)", (seq,)
    )


def entries(db: apsw.Connection, most: int) -> list[Entry]:
    """The newest *most*, the newest first."""
    found = rows(
        db,
        "SELECT seq, at, cause, coalesce(name, ''), ledger.octets, messages FROM ledger"
        " LEFT JOIN mailbox ON mailbox.id = ledger.mailbox ORDER BY seq DESC LIMIT ?",
        (most,),
    )
    return [Entry(*entry) for entry in found]

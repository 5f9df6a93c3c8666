"""What the hub is told now and then: how full accounts are, and when they were last used.

A cache.  The account's file is the truth, so a report made from an older state of it
(``ledger_seq``) never overwrites a newer one, in whatever order they arrive.
"""

from __future__ import annotations

from mailhub.model.mail import AccountId, Usage
from mailhub.store.hub.database import Tx


def record(tx: Tx, account: AccountId, usage: Usage, ledger_seq: int) -> bool:
    """Whether it was news."""
    tx.execute(
        """
        UPDATE activity SET octets = ?2, messages = ?3, ledger_seq = ?4
        WHERE account = (SELECT number FROM account WHERE id = ?1) AND ledger_seq < ?4
        """,
        (account, usage.octets, usage.messages, ledger_seq),
    )
    return bool(tx.changes())


def known(tx: Tx, account: AccountId) -> Usage | None:
    """The newest report; None: there is no such account."""
    found = tx.execute(
        "SELECT octets, messages FROM activity JOIN account ON number = account WHERE id = ?",
        (account,),
    ).fetchone()
    return None if found is None else Usage(int(str(found[0])), int(str(found[1])))


def correct(tx: Tx, account: AccountId, usage: Usage, ledger_seq: int) -> None:
    """Set what the account's file says, whatever was there: for the doctor."""
    tx.execute(
        """
        UPDATE activity SET octets = ?2, messages = ?3, ledger_seq = ?4
        WHERE account = (SELECT number FROM account WHERE id = ?1)
        """,
        (account, usage.octets, usage.messages, ledger_seq),
    )


def record_login(tx: Tx, account: AccountId, now: int) -> None:
    tx.execute(
        """
        UPDATE activity SET last_login = max(ifnull(last_login, 0), ?2)
        WHERE account = (SELECT number FROM account WHERE id = ?1)
        """,
        (account, now),
    )


def ledger_seq(tx: Tx, account: AccountId) -> int:
    """Of the newest report; 0 when there was none."""
    row = tx.execute(
        """
        SELECT ledger_seq FROM activity
        WHERE account = (SELECT number FROM account WHERE id = ?)
        """,
        (account,),
    ).fetchone()
    return 0 if row is None else int(row[0])

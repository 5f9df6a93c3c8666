"""Who is above a threshold of their quota, as long as they are, and what that still brings about.

An account has at most one row: the highest threshold it has reached.  Reaching a higher one is a
crossing, told once; falling below takes it back, so that reaching it again is told again.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailhub.model.mail import AccountId, Usage
from mailhub.store.hub import usage as usages
from mailhub.store.hub.database import Tx

LEASE_SECONDS = 300
"""A task is another process's for so long; then it is taken to have failed."""
LONGEST_WAIT = 86_400
"""Nothing is put off for longer: what is due later was written by a clock that ran ahead."""

_DUE = "FROM quota_task WHERE (due <= ?1 OR due > ?1 + ?2)"


@dataclass(frozen=True, slots=True)
class Task:
    id: int
    kind: str
    """``mail`` or ``webhook``."""
    account: AccountId
    body: str
    attempts: int


def reached(tx: Tx, account: AccountId) -> int:
    """The threshold (per cent) that is known to be reached; 0: none."""
    row = tx.execute(
        "SELECT percent FROM quota_warning JOIN account ON number = account WHERE id = ?",
        (account,),
    ).fetchone()
    return 0 if row is None else int(str(row[0]))


def cross(
    tx: Tx, account: AccountId, usage: Usage, percent: int, now: int, tasks: dict[str, str]
) -> bool:
    """With *usage* the account has reached *percent* and no more; is that a crossing upwards?

    Then *tasks* (kind, body) are to be done.  Decided here, so that of several processes that
    notice one tells; and by the newest usage only, or an old one would take a crossing back.
    """
    before = reached(tx, account)
    if percent == before or usages.known(tx, account) != usage:
        return False
    if not percent:
        tx.execute(
            "DELETE FROM quota_warning WHERE account = (SELECT number FROM account WHERE id = ?)",
            (account,),
        )
        return False
    tx.execute(
        "INSERT OR REPLACE INTO quota_warning (account, percent, since, told)"
        " SELECT number, ?2, ?3, ?4 FROM account WHERE id = ?1 AND deleted IS NULL",
        (account, percent, now, percent < before),
    )
    if percent < before:
        return False
    for kind, body in tasks.items():
        tx.execute(
            "INSERT INTO quota_task (kind, account, body, due) VALUES (?, ?, ?, ?)",
            (kind, account, body, now),
        )
    return True


def untold(tx: Tx, account: AccountId) -> int:
    """The threshold that the owner has not heard of at a log-in; 0: none."""
    row = tx.execute(
        "SELECT percent FROM quota_warning JOIN account ON number = account"
        " WHERE id = ? AND NOT told",
        (account,),
    ).fetchone()
    return 0 if row is None else int(str(row[0]))


def tell(tx: Tx, account: AccountId) -> bool:
    """From now on the owner has; whether they had not."""
    tx.execute(
        "UPDATE quota_warning SET told = 1"
        " WHERE account = (SELECT number FROM account WHERE id = ?) AND NOT told",
        (account,),
    )
    return bool(tx.changes())


# --- limits that have changed -------------------------------------------------------------


def doubt_all(tx: Tx) -> None:
    """Everybody's limits may be others: the configuration is."""
    tx.execute("INSERT OR IGNORE INTO limit_changed SELECT number FROM account")


def doubted(tx: Tx) -> bool:
    """Whether somebody's limits have changed and nobody has looked yet."""
    return tx.execute("SELECT 1 FROM limit_changed LIMIT 1").fetchone() is not None


def take_doubted(tx: Tx, most: int) -> dict[AccountId, Usage]:
    """Accounts whose limits have changed, with their usages; nobody else gets them."""
    numbers = tx.execute(
        "DELETE FROM limit_changed WHERE account IN (SELECT account FROM limit_changed LIMIT ?)"
        " RETURNING account",
        (most,),
    ).fetchall()
    ids = [
        AccountId(str(account))
        for number in numbers
        for (account,) in tx.execute(
            "SELECT id FROM account WHERE number = ? AND deleted IS NULL", number
        ).fetchall()
    ]
    known = {account: usages.known(tx, account) for account in ids}
    return {account: usage for account, usage in known.items() if usage is not None}


# --- tasks --------------------------------------------------------------------------------


def due(tx: Tx, now: int) -> bool:
    """Whether something is to be done."""
    return tx.execute(f"SELECT 1 {_DUE} LIMIT 1", (now, LONGEST_WAIT)).fetchone() is not None


def take(tx: Tx, now: int, most: int) -> list[Task]:
    """What is due, which nobody else takes meanwhile; letters first, as nothing delays them."""
    rows = tx.execute(
        "UPDATE quota_task SET due = ?3, attempts = attempts + 1 WHERE id IN"
        f" (SELECT id {_DUE} ORDER BY kind, due LIMIT ?4)"
        " RETURNING id, kind, account, body, attempts",
        (now, LONGEST_WAIT, now + LEASE_SECONDS, most),
    ).fetchall()
    return [
        Task(int(str(task)), str(kind), AccountId(str(account)), str(body), int(str(attempts)))
        for task, kind, account, body, attempts in rows
    ]


def done(tx: Tx, task: int) -> None:
    tx.execute("DELETE FROM quota_task WHERE id = ?", (task,))


def later(tx: Tx, task: int, when: int) -> None:
    tx.execute("UPDATE quota_task SET due = ? WHERE id = ?", (when, task))

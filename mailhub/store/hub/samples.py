"""How full accounts and domains were, day by day: for growth, and when they will be full.

The last usage of each day is kept for DAILY days, then one a week, for two years.  A day without a
change has no row: the one before counts on.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailhub.model.mail import AccountId, Usage
from mailhub.store.hub.database import Tx

DAY_SECONDS = 86_400
DAILY, MOST = 90, 730


@dataclass(frozen=True, slots=True)
class Sample:
    """``day`` counts from 1970."""

    day: int
    usage: Usage


def note(tx: Tx, account: AccountId, now: float) -> None:
    """What the hub knows by now of the account, and of its domain."""
    day = int(now) // DAY_SECONDS
    tx.execute(
        "INSERT OR REPLACE INTO account_sample"
        " SELECT number, ?2, octets, messages FROM account JOIN activity ON number = account"
        " WHERE id = ?1 AND deleted IS NULL",
        (account, day),
    )
    tx.execute(
        "INSERT OR REPLACE INTO domain_sample"
        " SELECT name, ?2, domain.octets, domain.messages FROM domain"
        " JOIN address ON address.domain = name AND is_primary"
        " JOIN account ON account.number = address.account WHERE account.id = ?1",
        (account, day),
    )


def thin(tx: Tx, now: float) -> None:
    """Forget what is kept long enough."""
    day = int(now) // DAY_SECONDS
    for table in ("account_sample", "domain_sample"):
        tx.execute(
            f"DELETE FROM {table} WHERE day < ?1 OR (day < ?2 AND day % 7 <> 0)",
            (day - MOST, day - DAILY),
        )


def of_account(tx: Tx, number: int, since_day: int) -> list[Sample]:
    """By day, with the last one before *since_day*."""
    return _samples(tx, "account_sample", "account", number, since_day)


def of_domain(tx: Tx, domain: str, since_day: int) -> list[Sample]:
    return _samples(tx, "domain_sample", "domain", domain, since_day)


def _samples(tx: Tx, table: str, column: str, key: int | str, since_day: int) -> list[Sample]:
    rows = tx.execute(
        f"SELECT day, octets, messages FROM {table} WHERE {column} = ?1 AND day >="
        f" coalesce((SELECT max(day) FROM {table} WHERE {column} = ?1 AND day < ?2), ?2)"
        " ORDER BY day",
        (key, since_day),
    ).fetchall()
    return [Sample(int(str(d)), Usage(int(str(o)), int(str(m)))) for d, o, m in rows]

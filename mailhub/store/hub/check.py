"""What must be true of hub.db, for the doctor."""

from __future__ import annotations

from dataclasses import dataclass

from mailhub.store.hub.database import Tx


@dataclass(frozen=True, slots=True)
class HubProblem:
    kind: str
    text: str
    repairable: bool


def check_hub(tx: Tx) -> list[HubProblem]:
    """Every problem; the file itself first."""
    broken = [
        HubProblem("damaged", str(row[0]), False)
        for row in tx.execute("PRAGMA integrity_check(20)")
        if row[0] != "ok"
    ]
    if broken:
        return broken
    dangling = [
        HubProblem("reference", f"A row of {table} refers to a missing {parent}", False)
        for table, _, parent, _ in tx.execute("PRAGMA foreign_key_check")
    ]
    return dangling + _nameless(tx) + _without_activity(tx)


def repair_hub(tx: Tx) -> None:
    """Put right what check_hub calls repairable."""
    tx.execute(
        """
        INSERT INTO activity (account)
        SELECT number FROM account
        WHERE deleted IS NULL AND number NOT IN (SELECT account FROM activity)
        """
    )


def _nameless(tx: Tx) -> list[HubProblem]:
    rows = tx.execute(
        """
        SELECT id FROM account WHERE deleted IS NULL AND NOT EXISTS (
            SELECT 1 FROM address WHERE address.account = account.number AND is_primary)
        """
    )
    return [HubProblem("nameless", f"Account {row[0]} has no address", False) for row in rows]


def _without_activity(tx: Tx) -> list[HubProblem]:
    rows = tx.execute(
        """
        SELECT id FROM account
        WHERE deleted IS NULL AND number NOT IN (SELECT account FROM activity)
        """
    )
    return [HubProblem("activity", f"Account {row[0]} has no usage row", True) for row in rows]

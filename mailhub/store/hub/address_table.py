"""The one name-space of accounts and aliases: taking an address and giving it back."""

from __future__ import annotations

import apsw

from mailhub.model.errors import AccountExists
from mailhub.store.hub.addresses import split
from mailhub.store.hub.database import Tx
from mailhub.store.hub.errors import NoSuchDomain


def occupy(tx: Tx, address: str, account: int, now: int, *, primary: bool) -> None:
    """Let canonical *address* mean *account*.  Raises NoSuchDomain, AccountExists."""
    local, domain = split(address)
    if tx.execute("SELECT 1 FROM domain WHERE name = ?", (domain,)).fetchone() is None:
        raise NoSuchDomain(f"No such domain: {domain} (mailhub domain add {domain})")
    try:
        tx.execute(
            "INSERT INTO address (domain, local, account, is_primary, created)"
            " VALUES (?, ?, ?, ?, ?)",
            (domain, local, account, primary, now),
        )
    except apsw.ConstraintError:
        raise AccountExists(f"The address {address} is taken already") from None


def free(tx: Tx, address: str, *, if_alias_of: int | None = None) -> bool:
    """Let canonical *address* mean nobody; whether it did mean somebody."""
    local, domain = split(address)
    sql = "DELETE FROM address WHERE domain = ? AND local = ?"
    if if_alias_of is None:
        tx.execute(sql, (domain, local))
    else:
        tx.execute(sql + " AND account = ? AND NOT is_primary", (domain, local, if_alias_of))
    return bool(tx.changes())

"""Aliases: further addresses of an account.

An alias has one target, an account of this server.  Several targets and addresses elsewhere are
left out on purpose: that is a mailing list or a forward, and wants a sender rewritten, bounces
handled and loops noticed, all of which the MTA in front already does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailhub.model.mail import AccountId
from mailhub.store.hub import accounts
from mailhub.store.hub.address_table import free, occupy
from mailhub.store.hub.addresses import canonical, split
from mailhub.store.hub.database import Tx
from mailhub.store.hub.errors import NoSuchAlias


@dataclass(frozen=True, slots=True)
class Alias:
    address: str
    account: AccountId
    target: str
    enabled: bool
    created: int


_SELECT = """
    SELECT alias.local || '@' || alias.domain, account.id,
        target.local || '@' || target.domain, alias.enabled, alias.created
    FROM address AS alias
    JOIN account ON account.number = alias.account
    JOIN address AS target ON target.account = alias.account AND target.is_primary
    WHERE NOT alias.is_primary
"""


def add(tx: Tx, address: str, account: AccountId, now: int) -> Alias:
    """Raises BadAddress, NoSuchDomain, NoSuchAccount, AccountExists."""
    address = canonical(address)
    occupy(tx, address, accounts.get(tx, account).number, now, primary=False)
    return get(tx, address)


def get(tx: Tx, address: str) -> Alias:
    """Raises BadAddress, NoSuchAlias."""
    address = canonical(address)
    local, domain = split(address)
    row = tx.execute(
        _SELECT + "AND alias.domain = ? AND alias.local = ?", (domain, local)
    ).fetchone()
    if row is None:
        raise NoSuchAlias(f"No such alias: {address}")
    return _alias(row)


def all_aliases(tx: Tx, domain: str | None = None, account: AccountId | None = None) -> list[Alias]:
    """Of a domain or of an account or both, by domain and name."""
    rows = tx.execute(
        _SELECT
        + "AND (?1 IS NULL OR alias.domain = ?1) AND (?2 IS NULL OR account.id = ?2)"
        + "ORDER BY alias.domain, alias.local",
        (domain, account),
    )
    return [_alias(row) for row in rows]


def rename(tx: Tx, address: str, new_address: str, now: int) -> Alias:
    """Raises what get and add raise."""
    present = get(tx, address)
    free(tx, present.address)
    renamed = add(tx, new_address, present.account, now)
    return renamed if present.enabled else set_enabled(tx, renamed.address, False)


def set_enabled(tx: Tx, address: str, enabled: bool) -> Alias:
    """A disabled alias keeps its address from others and gets no mail."""
    present = get(tx, address)
    local, domain = split(present.address)
    tx.execute(
        "UPDATE address SET enabled = ? WHERE domain = ? AND local = ?", (enabled, domain, local)
    )
    return get(tx, present.address)


def delete(tx: Tx, address: str) -> Alias:
    present = get(tx, address)
    free(tx, present.address)
    return present


def _alias(row: Sequence[object]) -> Alias:
    address, account, target, enabled, created = row
    assert isinstance(created, int)
    return Alias(str(address), AccountId(str(account)), str(target), bool(enabled), created)

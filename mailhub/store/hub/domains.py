"""The domains that mail is taken for."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from mailhub.model.errors import AccountExists, CannotDo, NoSuchAccount
from mailhub.model.mail import AccountId
from mailhub.store.hub.addresses import canonical_domain
from mailhub.store.hub.database import Tx
from mailhub.store.hub.errors import NoSuchDomain


@dataclass(frozen=True, slots=True)
class Domain:
    name: str
    enabled: bool
    created: int
    catch_all: str | None
    """The address of the account that gets what nobody else does."""
    accounts: int
    aliases: int


_SELECT = """
    SELECT domain.name, domain.enabled, domain.created,
        (SELECT local || '@' || domain FROM address
            WHERE account = domain.catch_all AND is_primary),
        (SELECT count(*) FROM address WHERE domain = domain.name AND is_primary),
        (SELECT count(*) FROM address WHERE domain = domain.name AND NOT is_primary)
    FROM domain
"""


def add(tx: Tx, name: str, now: int) -> Domain:
    """Raises BadAddress, AccountExists."""
    name = canonical_domain(name)
    try:
        tx.execute("INSERT INTO domain (name, created) VALUES (?, ?)", (name, now))
    except apsw.ConstraintError:
        raise AccountExists(f"The domain {name} exists already") from None
    return get(tx, name)


def get(tx: Tx, name: str) -> Domain:
    """Raises BadAddress, NoSuchDomain."""
    name = canonical_domain(name)
    row = tx.execute(_SELECT + "WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NoSuchDomain(f"No such domain: {name}")
    return _domain(row)


def all_domains(tx: Tx) -> list[Domain]:
    return [_domain(row) for row in tx.execute(_SELECT + "ORDER BY name")]


def only(tx: Tx) -> str:
    """The name of the only domain; empty when there are none or several."""
    names = tx.execute("SELECT name FROM domain LIMIT 2").fetchall()
    return str(names[0][0]) if len(names) == 1 else ""


def rename(tx: Tx, old: str, new: str) -> Domain:
    """Every address of the domain gets the new name; ids, mail and passwords stay."""
    present, name = get(tx, old), canonical_domain(new)
    try:
        tx.execute("UPDATE domain SET name = ? WHERE name = ?", (name, present.name))
    except apsw.ConstraintError:
        raise AccountExists(f"The domain {name} exists already") from None
    return get(tx, name)


def set_enabled(tx: Tx, name: str, enabled: bool) -> Domain:
    """Nobody of a disabled domain can log in or gets mail; nothing is deleted."""
    present = get(tx, name)
    tx.execute("UPDATE domain SET enabled = ? WHERE name = ?", (enabled, present.name))
    return get(tx, present.name)


def set_catch_all(tx: Tx, name: str, account: AccountId | None) -> Domain:
    """Who gets mail for addresses of the domain that do not exist.  Raises NoSuchAccount."""
    present = get(tx, name)
    number = None
    if account is not None:
        row = tx.execute(
            "SELECT number FROM account WHERE id = ? AND deleted IS NULL", (account,)
        ).fetchone()
        if row is None:
            raise NoSuchAccount
        number = row[0]
    tx.execute("UPDATE domain SET catch_all = ? WHERE name = ?", (number, present.name))
    return get(tx, present.name)


def delete(tx: Tx, name: str) -> None:
    """Only an empty domain: deleting people's mail takes a command for each of them."""
    present = get(tx, name)
    if present.accounts or present.aliases:
        raise CannotDo(
            f"The domain {present.name} still has accounts ({present.accounts})"
            f" or aliases ({present.aliases})"
        )
    tx.execute("DELETE FROM domain WHERE name = ?", (present.name,))


def _domain(row: tuple[object, ...]) -> Domain:
    name, enabled, created, catch_all, accounts, aliases = row
    assert isinstance(name, str)
    assert isinstance(created, int)
    assert catch_all is None or isinstance(catch_all, str)
    assert isinstance(accounts, int)
    assert isinstance(aliases, int)
    return Domain(name, bool(enabled), created, catch_all, accounts, aliases)

"""The accounts: an immutable id and number each, and an address that may change.

The id names the account's file and is what everything else refers to; the number is for what
needs an integer (the bell, POP3's lock).  Neither is ever given again, so a new account that gets
the address of a deleted one starts with an empty mailbox.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from mailhub.model.errors import NoSuchAccount
from mailhub.model.mail import AccountId, Usage, Verifier
from mailhub.store.hub import apppasswords, credentials, identities
from mailhub.store.hub.address_table import free, occupy
from mailhub.store.hub.addresses import canonical, split
from mailhub.store.hub.database import Tx

ID_OCTETS = 10


@dataclass(frozen=True, slots=True)
class Account:
    number: int
    id: AccountId
    address: str
    display_name: str
    enabled: bool
    domain_enabled: bool
    created: int
    last_login: int | None
    usage: Usage
    """As the hub last heard; the account's file knows."""

    @property
    def active(self) -> bool:
        """May log in and get mail."""
        return self.enabled and self.domain_enabled


_ABOUT_QUOTA = ("quota_limit", "quota_warning", "account_sample", "claim")

_SELECT = """
    SELECT account.number, account.id, address.local || '@' || address.domain,
        account.display_name, account.enabled, domain.enabled, account.created,
        activity.last_login, activity.octets, activity.messages
    FROM account
    JOIN address ON address.account = account.number AND address.is_primary
    JOIN domain ON domain.name = address.domain
    JOIN activity ON activity.account = account.number
"""


def add(
    tx: Tx, address: str, now: int, *, display_name: str = "", verifiers: Sequence[Verifier] = ()
) -> Account:
    """Raises BadAddress, NoSuchDomain, AccountExists.  Without *verifiers* nobody can log in."""
    address = canonical(address)
    account = AccountId(secrets.token_hex(ID_OCTETS))
    row = tx.execute(
        "INSERT INTO account (id, display_name, created) VALUES (?, ?, ?) RETURNING number",
        (account, display_name, now),
    ).fetchone()
    assert row is not None
    number = int(row[0])
    tx.execute("INSERT INTO activity (account) VALUES (?)", (number,))
    occupy(tx, address, number, now, primary=True)
    credentials.replace(tx, number, verifiers)
    return get(tx, account)


def get(tx: Tx, account: AccountId) -> Account:
    """Raises NoSuchAccount, also for a deleted one."""
    row = tx.execute(_SELECT + "WHERE account.id = ?", (account,)).fetchone()
    if row is None:
        raise NoSuchAccount(f"No such account: {account}")
    return _account(row)


def by_address(tx: Tx, address: str) -> Account:
    """By its primary address.  Raises BadAddress, NoSuchAccount."""
    address = canonical(address)
    local, domain = split(address)
    row = tx.execute(
        _SELECT + "WHERE address.domain = ? AND address.local = ?", (domain, local)
    ).fetchone()
    if row is None:
        raise NoSuchAccount(f"No such account: {address}")
    return _account(row)


def find(tx: Tx, text: str) -> Account:
    """By address or by id: what a person typed.  Raises BadAddress, NoSuchAccount."""
    return by_address(tx, text) if "@" in text else get(tx, AccountId(text))


def all_accounts(tx: Tx, domain: str | None = None) -> list[Account]:
    """By domain and name."""
    where, parameters = ("WHERE address.domain = ? ", (domain,)) if domain else ("", ())
    rows = tx.execute(_SELECT + where + "ORDER BY address.domain, address.local", parameters)
    return [_account(row) for row in rows]


def rename(
    tx: Tx, account: AccountId, new_address: str, now: int, *, keep_alias: bool = False
) -> Account:
    """Give the account another address; mail and password stay.

    The old address becomes free, or an alias.  An alias of the account itself may become its
    address.
    """
    present = get(tx, account)
    address = canonical(new_address)
    if address == present.address:
        return present
    free(tx, present.address)
    free(tx, address, if_alias_of=present.number)
    occupy(tx, address, present.number, now, primary=True)
    if keep_alias:
        occupy(tx, present.address, present.number, now, primary=False)
    return get(tx, account)


def set_enabled(tx: Tx, account: AccountId, enabled: bool) -> Account:
    present = get(tx, account)
    tx.execute("UPDATE account SET enabled = ? WHERE number = ?", (enabled, present.number))
    return get(tx, account)


def set_display_name(tx: Tx, account: AccountId, display_name: str) -> Account:
    present = get(tx, account)
    tx.execute(
        "UPDATE account SET display_name = ? WHERE number = ?", (display_name, present.number)
    )
    return get(tx, account)


def delete(tx: Tx, account: AccountId, now: int) -> Account:
    """Mark it deleted and free its addresses; returns what it was.

    Its files are removed after this is durable (:func:`to_remove`, :func:`removed`), so that a
    crash leaves files without an account, never an account without files.
    """
    present = get(tx, account)
    number = present.number
    tx.execute("DELETE FROM address WHERE account = ?", (number,))
    for table in _ABOUT_QUOTA:
        tx.execute(f"DELETE FROM {table} WHERE account = ?", (number,))
    tx.execute("DELETE FROM activity WHERE account = ?", (number,))
    tx.execute("UPDATE domain SET catch_all = NULL WHERE catch_all = ?", (number,))
    credentials.replace(tx, number, ())
    identities.forget(tx, number)
    apppasswords.forget(tx, number)
    tx.execute(
        "UPDATE account SET deleted = ?, last_address = ? WHERE number = ?",
        (now, present.address, number),
    )
    return present


def to_remove(tx: Tx) -> list[AccountId]:
    """Deleted accounts whose files may still be there."""
    rows = tx.execute("SELECT id FROM account WHERE deleted IS NOT NULL AND removed IS NULL")
    return [AccountId(str(row[0])) for row in rows]


def removed(tx: Tx, account: AccountId, now: int) -> None:
    """The files of a deleted account are gone."""
    tx.execute(
        "UPDATE account SET removed = ? WHERE id = ? AND deleted IS NOT NULL", (now, account)
    )


def _account(row: Sequence[object]) -> Account:
    number, account, address, display_name, enabled, domain_enabled, created, *activity = row
    last_login, octets, messages = activity
    assert isinstance(number, int)
    assert isinstance(created, int)
    assert last_login is None or isinstance(last_login, int)
    assert isinstance(octets, int)
    assert isinstance(messages, int)
    return Account(
        number,
        AccountId(str(account)),
        str(address),
        str(display_name),
        bool(enabled),
        bool(domain_enabled),
        created,
        last_login,
        Usage(octets, messages),
    )

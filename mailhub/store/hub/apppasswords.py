"""App passwords of accounts: digests of them, and what each may be used for."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

from mailhub.model.apppasswords import AppPassword
from mailhub.model.errors import LimitReached
from mailhub.model.mail import AccountId
from mailhub.model.policy import Network
from mailhub.store.hub.database import Tx
from mailhub.store.hub.errors import AppPasswordExists, BadName, NoSuchAppPassword

MOST = 100
"""Of one account."""
LONGEST_NAME = 100

_SELECT = """
    SELECT app_password.number, account.id, address.local || '@' || address.domain,
        app_password.name, protocols, networks, read_only, app_password.created, expires,
        last_used, app_password.last_address
    FROM app_password
    JOIN account ON account.number = app_password.account
    JOIN address ON address.account = app_password.account AND address.is_primary
"""


def add(
    tx: Tx,
    account: int,
    name: str,
    digest: bytes,
    now: int,
    *,
    protocols: frozenset[str],
    networks: Sequence[Network] = (),
    read_only: bool = False,
    expires: int | None = None,
) -> AppPassword:
    """Raises BadName, AppPasswordExists, LimitReached."""
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadName(f"A name of an app password is printable, and has 1 to {LONGEST_NAME} signs")
    present = of_account(tx, account)
    if any(each.name.casefold() == name.casefold() for each in present):
        raise AppPasswordExists(f"There is an app password {name} already")
    if len(present) >= MOST:
        raise LimitReached(f"An account may have {MOST} app passwords")
    words = (" ".join(sorted(protocols)), " ".join(map(str, networks)))
    tx.execute(
        """
        INSERT INTO app_password
            (account, name, digest, protocols, networks, read_only, created, expires)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (account, name, digest, *words, read_only, now, expires),
    )
    return get(tx, account, name)


def get(tx: Tx, account: int, name: str) -> AppPassword:
    """By its name, in any case.  Raises NoSuchAppPassword."""
    for each in of_account(tx, account):
        if each.name.casefold() == name.casefold():
            return each
    raise NoSuchAppPassword(f"There is no app password {name}")


def of_digest(tx: Tx, digest: bytes) -> AppPassword | None:
    row = tx.execute(_SELECT + "WHERE digest = ?", (digest,)).fetchone()
    return None if row is None else _read(row)


def of_account(tx: Tx, account: int) -> list[AppPassword]:
    """By name."""
    rows = tx.execute(_SELECT + "WHERE app_password.account = ? ORDER BY 4", (account,))
    return [_read(row) for row in rows]


def everybodys(tx: Tx) -> list[AppPassword]:
    """By address and name."""
    return [_read(row) for row in tx.execute(_SELECT + "ORDER BY 3, 4")]


def revoke(tx: Tx, account: int, name: str) -> AppPassword:
    """Raises NoSuchAppPassword."""
    found = get(tx, account, name)
    tx.execute("DELETE FROM app_password WHERE number = ?", (found.number,))
    return found


def forget(tx: Tx, account: int) -> None:
    """All of an account that is deleted."""
    tx.execute("DELETE FROM app_password WHERE account = ?", (account,))


def record_use(tx: Tx, number: int, when: int, address: str) -> None:
    tx.execute(
        """
        UPDATE app_password SET last_used = ?2, last_address = ?3
        WHERE number = ?1 AND ifnull(last_used, 0) <= ?2
        """,
        (number, when, address),
    )


def _read(row: Sequence[object]) -> AppPassword:
    number, account, address, name, protocols, networks, read_only, *times = row
    created, expires, last_used, last_address = times
    assert isinstance(number, int)
    assert isinstance(created, int)
    assert expires is None or isinstance(expires, int)
    assert last_used is None or isinstance(last_used, int)
    return AppPassword(
        number,
        AccountId(str(account)),
        str(address),
        str(name),
        frozenset(str(protocols).split()),
        tuple(ip_network(each) for each in str(networks).split()),
        bool(read_only),
        created,
        expires,
        last_used,
        str(last_address),
    )

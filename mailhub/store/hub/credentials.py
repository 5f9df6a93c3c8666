"""What local accounts log in with: verifiers, never passwords."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mailhub.model.mail import AccountId, StoredCredentials, Verifier
from mailhub.store.hub import identities
from mailhub.store.hub.addresses import canonical, split, with_domain
from mailhub.store.hub.database import Tx, rows
from mailhub.store.hub.errors import BadAddress


def of_account(tx: Tx, number: int) -> tuple[Verifier, ...]:
    """By scheme."""
    found = rows(tx, "SELECT scheme, data FROM verifier WHERE account = ? ORDER BY scheme", number)
    return tuple(Verifier(scheme, data) for scheme, data in found)


def replace(tx: Tx, number: int, verifiers: Sequence[Verifier]) -> None:
    """Let these be the only ones; none: nobody can log in."""
    tx.execute("DELETE FROM verifier WHERE account = ?", (number,))
    tx.executemany(
        "INSERT INTO verifier (account, scheme, data) VALUES (?, ?, ?)",
        [(number, verifier.scheme, verifier.data) for verifier in verifiers],
    )


_SELECT = """
    SELECT account.id, address.local || '@' || address.domain,
        account.enabled AND domain.enabled
            AND identity.blocked IS NULL AND identity.gone IS NULL,
        identity.directory, identity.person, identity.said, verifier.scheme, verifier.data
    FROM address
    JOIN account ON account.number = address.account
    JOIN domain ON domain.name = address.domain
    LEFT JOIN identity ON identity.account = address.account
    LEFT JOIN verifier ON verifier.account = address.account
    WHERE address.is_primary
"""
"""A row for each verifier, or one without."""


def of_id(tx: Tx, account: AccountId) -> StoredCredentials | None:
    """By one statement."""
    return _stored(rows(tx, _SELECT + "AND account.id = ? ORDER BY scheme", account))


def of_login(tx: Tx, login: str, default_domain: str) -> StoredCredentials | None:
    """Of the account whose primary address a log-in name means, or None.  By one statement.

    Aliases are no log-in names: one account has one name to guess passwords for.
    """
    try:
        local, domain = split(canonical(with_domain(login, default_domain)))
    except BadAddress:
        return None
    where = "AND address.domain = ? AND address.local = ? ORDER BY scheme"
    return _stored(rows(tx, _SELECT + where, domain, local))


def _stored(found: Sequence[tuple[Any, ...]]) -> StoredCredentials | None:
    if not found:
        return None
    account, address, enabled, directory, person, said, _, _ = found[0]
    known = None if said is None else identities.read(directory, person, said)
    return StoredCredentials(
        account=AccountId(account),
        address=address,
        enabled=bool(enabled),
        verifiers=tuple(Verifier(scheme, data) for *_, scheme, data in found if data is not None),
        directory="" if known is None else known.directory,
        groups=frozenset() if known is None else known.groups,
        protocols=None if known is None else known.protocols,
    )

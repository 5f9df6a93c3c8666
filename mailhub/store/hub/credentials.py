"""What local accounts log in with: verifiers, never passwords."""

from __future__ import annotations

from collections.abc import Sequence

from mailhub.model.mail import AccountId, StoredCredentials, Verifier
from mailhub.store.hub import identities
from mailhub.store.hub.addresses import canonical, split, with_domain
from mailhub.store.hub.database import Tx
from mailhub.store.hub.errors import BadAddress


def of_account(tx: Tx, number: int) -> tuple[Verifier, ...]:
    """By scheme."""
    rows = tx.execute(
        "SELECT scheme, data FROM verifier WHERE account = ? ORDER BY scheme", (number,)
    )
    return tuple(Verifier(str(scheme), str(data)) for scheme, data in rows)


def replace(tx: Tx, number: int, verifiers: Sequence[Verifier]) -> None:
    """Let these be the only ones; none: nobody can log in."""
    tx.execute("DELETE FROM verifier WHERE account = ?", (number,))
    tx.executemany(
        "INSERT INTO verifier (account, scheme, data) VALUES (?, ?, ?)",
        [(number, verifier.scheme, verifier.data) for verifier in verifiers],
    )


_SELECT = """
    SELECT account.number, account.id, address.local || '@' || address.domain,
        account.enabled AND domain.enabled
            AND identity.blocked IS NULL AND identity.gone IS NULL,
        identity.directory, identity.person, identity.said
    FROM address
    JOIN account ON account.number = address.account
    JOIN domain ON domain.name = address.domain
    LEFT JOIN identity ON identity.account = address.account
    WHERE address.is_primary
"""


def of_id(tx: Tx, account: AccountId) -> StoredCredentials | None:
    row = tx.execute(_SELECT + "AND account.id = ?", (account,)).fetchone()
    return None if row is None else _stored(tx, row)


def of_login(tx: Tx, login: str, default_domain: str) -> StoredCredentials | None:
    """Of the account whose primary address a log-in name means, or None.

    Aliases are no log-in names: one account has one name to guess passwords for.
    """
    try:
        local, domain = split(canonical(with_domain(login, default_domain)))
    except BadAddress:
        return None
    row = tx.execute(
        _SELECT + "AND address.domain = ? AND address.local = ?", (domain, local)
    ).fetchone()
    return None if row is None else _stored(tx, row)


def _stored(tx: Tx, row: Sequence[object]) -> StoredCredentials:
    number, account, address, enabled, directory, person, said = row
    assert isinstance(number, int)
    known = None if said is None else identities.read(str(directory), str(person), str(said))
    return StoredCredentials(
        account=AccountId(str(account)),
        address=str(address),
        enabled=bool(enabled),
        verifiers=of_account(tx, number),
        directory="" if known is None else known.directory,
        groups=frozenset() if known is None else known.groups,
        protocols=None if known is None else known.protocols,
    )

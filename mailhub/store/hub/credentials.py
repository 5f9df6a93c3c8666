"""What local accounts log in with: verifiers, never passwords."""

from __future__ import annotations

from collections.abc import Sequence

from mailhub.model.mail import AccountId, StoredCredentials, Verifier
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


def of_login(tx: Tx, login: str, default_domain: str) -> StoredCredentials | None:
    """Of the account whose primary address a log-in name means, or None.

    Aliases are no log-in names: one account has one name to guess passwords for.
    """
    try:
        local, domain = split(canonical(with_domain(login, default_domain)))
    except BadAddress:
        return None
    row = tx.execute(
        """
        SELECT account.number, account.id, account.enabled AND domain.enabled
        FROM address
        JOIN account ON account.number = address.account
        JOIN domain ON domain.name = address.domain
        WHERE address.domain = ? AND address.local = ? AND address.is_primary
        """,
        (domain, local),
    ).fetchone()
    if row is None:
        return None
    number, account, enabled = row
    return StoredCredentials(
        account=AccountId(str(account)),
        address=f"{local}@{domain}",
        enabled=bool(enabled),
        verifiers=of_account(tx, number),
    )

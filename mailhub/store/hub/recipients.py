"""Whom mail for an address goes to."""

from __future__ import annotations

from collections.abc import Sequence

from mailhub.model.errors import AccountDisabled
from mailhub.model.identity import Known
from mailhub.model.mail import AccountId, Recipient
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.store.hub import identities
from mailhub.store.hub.addresses import candidates, canonical_domain, split, with_domain
from mailhub.store.hub.database import Tx
from mailhub.store.hub.errors import BadAddress

_BY_ADDRESS = """
    SELECT account.id, own.local || '@' || own.domain,
        address.enabled AND account.enabled AND domain.enabled AND own_domain.enabled
            AND identity.blocked IS NULL AND identity.gone IS NULL,
        identity.account
    FROM address
    JOIN domain ON domain.name = address.domain
    JOIN account ON account.number = address.account
    JOIN address AS own ON own.account = address.account AND own.is_primary
    JOIN domain AS own_domain ON own_domain.name = own.domain
    LEFT JOIN identity ON identity.account = account.number
    WHERE address.domain = ? AND address.local = ?
"""

_CATCH_ALL = """
    SELECT account.id, own.local || '@' || own.domain,
        account.enabled AND domain.enabled AND own_domain.enabled
            AND identity.blocked IS NULL AND identity.gone IS NULL
    FROM domain
    JOIN account ON account.number = domain.catch_all
    JOIN address AS own ON own.account = account.number AND own.is_primary
    JOIN domain AS own_domain ON own_domain.name = own.domain
    LEFT JOIN identity ON identity.account = account.number
    WHERE domain.name = ?
"""


def resolve(
    tx: Tx, address: str, default_domain: str, delimiter: str, steps: Hearer = UNHEARD
) -> Recipient | None:
    """Account or alias, then ``user+detail``, then the domain's catch-all; None: nobody.

    Raises AccountDisabled; a disabled address does not fall through to the catch-all.
    """
    try:
        local, domain = _parts(address, default_domain)
    except BadAddress as bad:
        steps.add("address", given=address, outcome=str(bad))
        return None
    row, detail = _find(tx, local, domain, delimiter, steps)
    if row is None:
        row = tx.execute(_CATCH_ALL, (domain,)).fetchone()
        _tell(steps, "catch-all", domain, row)
    if row is None:
        return None
    recipient = _recipient(row, detail)
    if recipient is None:
        raise AccountDisabled
    return recipient


def known(
    tx: Tx, address: str, default_domain: str, delimiter: str, steps: Hearer = UNHEARD
) -> Known | None:
    """Whose address it is, with or without a detail; None: nobody's, but for a catch-all."""
    try:
        local, domain = _parts(address, default_domain)
    except BadAddress:
        return None
    row, detail = _find(tx, local, domain, delimiter, steps)
    if row is None:
        return None
    number = row[3]
    identity = identities.of_account(tx, number) if isinstance(number, int) else None
    return Known(_recipient(row, detail), identity)


def _parts(address: str, default_domain: str) -> tuple[str, str]:
    local, domain = split(with_domain(address, default_domain))
    return local, canonical_domain(domain)


def _find(
    tx: Tx, local: str, domain: str, delimiter: str, steps: Hearer
) -> tuple[Sequence[object] | None, str]:
    """The row of whoever has the address, and the detail."""
    for name, detail in candidates(local, delimiter):
        row = tx.execute(_BY_ADDRESS, (domain, name)).fetchone()
        _tell(steps, "accounts and aliases", f"{name}@{domain}", row)
        if row is not None:
            return row, detail
    return None, ""


def _tell(steps: Hearer, what: str, wanted: str, row: Sequence[object] | None) -> None:
    if row is None:
        steps.add(what, wanted=wanted, outcome="nobody")
    else:
        _, address, enabled = row[:3]
        steps.add(what, wanted=wanted, account=address, outcome="found" if enabled else "disabled")


def _recipient(row: Sequence[object], detail: str) -> Recipient | None:
    """None: suspended."""
    account, address, enabled = row[:3]
    return Recipient(AccountId(str(account)), str(address), detail) if enabled else None

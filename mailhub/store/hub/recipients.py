"""Whom mail for an address goes to."""

from __future__ import annotations

from collections.abc import Sequence

from mailhub.model.errors import AccountDisabled
from mailhub.model.mail import AccountId, Recipient
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.store.hub.addresses import candidates, canonical_domain, split, with_domain
from mailhub.store.hub.database import Tx
from mailhub.store.hub.errors import BadAddress

_BY_ADDRESS = """
    SELECT account.id, own.local || '@' || own.domain,
        address.enabled AND account.enabled AND domain.enabled AND own_domain.enabled
    FROM address
    JOIN domain ON domain.name = address.domain
    JOIN account ON account.number = address.account
    JOIN address AS own ON own.account = address.account AND own.is_primary
    JOIN domain AS own_domain ON own_domain.name = own.domain
    WHERE address.domain = ? AND address.local = ?
"""

_CATCH_ALL = """
    SELECT account.id, own.local || '@' || own.domain,
        account.enabled AND domain.enabled AND own_domain.enabled
    FROM domain
    JOIN account ON account.number = domain.catch_all
    JOIN address AS own ON own.account = account.number AND own.is_primary
    JOIN domain AS own_domain ON own_domain.name = own.domain
    WHERE domain.name = ?
"""


def resolve(
    tx: Tx, address: str, default_domain: str, delimiter: str, steps: Hearer = UNHEARD
) -> Recipient | None:
    """Account or alias, then ``user+detail``, then the domain's catch-all; None: nobody.

    Raises AccountDisabled; a disabled address does not fall through to the catch-all.
    """
    try:
        local, domain = split(with_domain(address, default_domain))
        domain = canonical_domain(domain)
    except BadAddress as bad:
        steps.add("address", given=address, outcome=str(bad))
        return None
    for name, detail in candidates(local, delimiter):
        row = tx.execute(_BY_ADDRESS, (domain, name)).fetchone()
        _tell(steps, "local accounts and aliases", f"{name}@{domain}", row)
        if row is not None:
            return _recipient(row, detail)
    row = tx.execute(_CATCH_ALL, (domain,)).fetchone()
    _tell(steps, "catch-all", domain, row)
    return None if row is None else _recipient(row, "")


def _tell(steps: Hearer, what: str, wanted: str, row: Sequence[object] | None) -> None:
    if row is None:
        steps.add(what, wanted=wanted, outcome="nobody")
    else:
        _, address, enabled = row
        steps.add(what, wanted=wanted, account=address, outcome="found" if enabled else "disabled")


def _recipient(row: Sequence[object], detail: str) -> Recipient:
    account, address, enabled = row
    if not enabled:
        raise AccountDisabled
    return Recipient(AccountId(str(account)), str(address), detail)

"""What a client whose secret is right must also fulfil.

The place for further conditions (allowed protocols and networks, expiry): every checker comes
through here after the secret was proved, so none of them tells a stranger that an account exists.
"""

from __future__ import annotations

from mailhub.interfaces import ILocalAccounts, LogInDisabled, LogInForbidden
from mailhub.model.mail import StoredCredentials


async def authorise(
    accounts: ILocalAccounts, stored: StoredCredentials, authorization: str
) -> None:
    """Raises LogInDisabled, LogInForbidden.  *authorization*: whom to act as, empty: oneself."""
    if not stored.enabled:
        raise LogInDisabled(f"{stored.address} is disabled")
    if authorization:
        other = await accounts.credentials(authorization)
        if other is None or other.account != stored.account:
            raise LogInForbidden(f"{stored.address} may not act as {authorization}")

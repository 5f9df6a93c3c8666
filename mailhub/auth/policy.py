"""What a client whose secret is right must also fulfil.

The place for further conditions (allowed protocols and networks, expiry): every checker comes
through here after the secret was proved, so none of them tells a stranger that an account exists.
"""

from __future__ import annotations

from mailhub.interfaces import ILocalAccounts, LogInDisabled, LogInForbidden
from mailhub.model.mail import Client, StoredCredentials
from mailhub.model.steps import UNHEARD, Hearer


class Policy:
    """Decides for every mechanism; *accounts* tells whom somebody asks to act as."""

    def __init__(self, accounts: ILocalAccounts) -> None:
        self._accounts = accounts

    async def authorise(
        self,
        stored: StoredCredentials,
        client: Client | None,
        authorization: str = "",
        steps: Hearer = UNHEARD,
    ) -> None:
        """Raises LogInDisabled, LogInForbidden.

        *client* None: credentials that know none (Twisted's own), so nothing that depends on
        protocol or network can be fulfilled.  *authorization*: whom to act as, empty: oneself.
        """
        if not stored.enabled:
            raise LogInDisabled(f"{stored.address} is disabled")
        if authorization:
            await self._act_as(stored, authorization, steps)

    async def _act_as(self, stored: StoredCredentials, authorization: str, steps: Hearer) -> None:
        other = await self._accounts.credentials(authorization)
        if other is None or other.account != stored.account:
            raise LogInForbidden(f"{stored.address} may not act as {authorization}")
        steps.add("act as", name=authorization, account=other.address)

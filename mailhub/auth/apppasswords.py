"""App passwords: a source for :mod:`.chain` that is asked before all others.

Whatever looks like one is judged here and nowhere else.  The secret is looked for first, the name
afterwards: somebody without one learns nothing about names, and no directory is asked for them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from mailhub.auth.chain import Given
from mailhub.interfaces import BadCredentials, ILocalAccounts, LogInForbidden, SecretExpired
from mailhub.interfaces_people import IAppPasswords
from mailhub.model.apppasswords import AppPassword, digest, is_recognised
from mailhub.model.mail import Client, StoredCredentials
from mailhub.model.policy import PROTOCOLS, is_within


class AppPasswords:
    """*accounts* tells whose a name is, directories' people included; *known* are the secrets."""

    name = "app passwords"
    pads = True

    def __init__(
        self,
        accounts: ILocalAccounts,
        known: IAppPasswords,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._accounts = accounts
        self._known = known
        self._clock = clock

    def takes(self, given: Given) -> bool:
        return is_recognised(given.password)

    async def prove(self, given: Given) -> StoredCredentials:
        secret = digest(given.password)
        if secret is None:
            raise BadCredentials("a mistyped app password: its checksum is wrong")
        found = await self._known.app_password(secret)
        if found is None:
            raise BadCredentials("no such app password; perhaps it was revoked")
        stored = await self._accounts.credentials(given.login)
        if stored is None or stored.account != found.account:
            raise BadCredentials(f"app password {found.name} is {found.address}'s")
        self._check(found, given)
        self._known.record_app_password(found.number, given.address)
        return replace(stored, read_only=found.read_only, means=f"app password {found.name}")

    def _check(self, found: AppPassword, given: Given) -> None:
        given.steps.add(
            "app password",
            name=found.name,
            account=found.address,
            protocols=tuple(sorted(found.protocols)),
            networks=tuple(map(str, found.networks)),
            read_only=found.read_only,
        )
        if found.expires is not None and found.expires <= self._clock():
            raise SecretExpired(f"app password {found.name} has expired")
        _keep_to(found, given.client)


def _keep_to(found: AppPassword, client: Client | None) -> None:
    """A client that is not known can keep to nothing."""
    if not found.protocols.issuperset(PROTOCOLS if client is None else (client.protocol,)):
        used = client.protocol if client is not None else "an unknown protocol"
        allowed = " and ".join(sorted(found.protocols))
        raise LogInForbidden(f"app password {found.name} is for {allowed}, not {used}")
    if found.networks and (client is None or not is_within(client.address, found.networks)):
        where = "an unknown address" if client is None else client.address or "a Unix socket"
        allowed = ", ".join(map(str, found.networks))
        raise LogInForbidden(f"app password {found.name} is for {allowed}, not {where}")

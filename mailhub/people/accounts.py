"""Whose account a log-in name means: for means of log-in that prove a name without a directory.

(Client certificates, tokens, tickets, app passwords, master users.)  The hub is asked first; what
it knows of a directory's person is brought up to date when it is old, and used as it is while the
directory does not answer.  Somebody whom only a directory knows gets an account now.
"""

from __future__ import annotations

from collections.abc import Sequence

from zope.interface import implementer

from mailhub.interfaces import IDirectory, ILocalAccounts
from mailhub.model.errors import CannotAdopt
from mailhub.model.mail import AccountId, StoredCredentials
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.people.adoption import Adoption
from mailhub.people.freshness import Freshness


@implementer(ILocalAccounts)
class Accounts:
    """*local* is the hub."""

    def __init__(
        self,
        local: ILocalAccounts,
        adoption: Adoption,
        directories: Sequence[IDirectory],
        freshness: Freshness,
    ) -> None:
        self._local = local
        self._adoption = adoption
        self._directories = tuple(directories)
        self._freshness = freshness

    async def credentials(self, login: str, steps: Hearer = UNHEARD) -> StoredCredentials | None:
        stored = await self._local.credentials(login)
        if stored is None:
            return await self._from_directories(login, steps)
        if not stored.directory:
            return stored
        identity = await self._adoption.identities.of_account(stored.account)
        if identity is None or self._freshness.is_fresh(identity):
            return stored
        await self._adoption.refresh(identity, steps)
        return await self._adoption.identities.credentials_of(stored.account)

    async def replace_verifiers(self, account: AccountId, password: str) -> None:
        await self._local.replace_verifiers(account, password)

    async def _from_directories(self, login: str, steps: Hearer) -> StoredCredentials | None:
        domain = login.rpartition("@")[2] if "@" in login else ""
        for directory in self._directories:
            if not directory.serves(domain):
                continue
            person = await directory.by_login(login, steps)
            if person is None:
                continue
            try:
                return await self._adoption.adopt(person, steps)
            except CannotAdopt:
                return None
        return None

"""Passwords of a directory's people: a source for :mod:`.chain`, over an ``IDirectory``.

In this order: a password proved a moment ago (only if configured), the lock-out guard, the
directory, the account.  Whoever the directory has proved is handed on to have an account; what
that says of the account (disabled here, say) is :mod:`.policy`'s to judge.
"""

from __future__ import annotations

from mailhub.auth.chain import Given
from mailhub.auth.guard import Digests, LockoutGuard, ProvedPasswords
from mailhub.interfaces import (
    BadCredentials,
    IDirectory,
    LogInForbidden,
    NoSuchPerson,
    TooManyAttempts,
)
from mailhub.interfaces_people import IAdoption, IIdentities
from mailhub.metrics import Metrics
from mailhub.model.errors import CannotAdopt
from mailhub.model.mail import StoredCredentials


class DirectoryPasswords:
    """One directory.  It takes as long over nobody as over a wrong password."""

    pads = True

    def __init__(
        self,
        directory: IDirectory,
        adoption: IAdoption,
        identities: IIdentities,
        guard: LockoutGuard,
        proved: ProvedPasswords,
        metrics: Metrics | None = None,
    ) -> None:
        self.name = f"directory {directory.name}"
        self._directory = directory
        self._adoption = adoption
        self._identities = identities
        self._guard = guard
        self._proved = proved
        self._metrics = metrics
        self._digests = Digests()

    def takes(self, given: Given) -> bool:
        return self._directory.serves(given.login.rpartition("@")[2] if "@" in given.login else "")

    async def prove(self, given: Given) -> StoredCredentials:
        digest = self._digests.of(given.password)
        remembered = await self._remembered(given, digest)
        if remembered is not None:
            return remembered
        self._keep_back(given.login, digest)
        self._count("asked")
        try:
            person = await self._directory.prove(given.login, given.password, given.steps)
        except NoSuchPerson:
            raise
        except BadCredentials:
            self._guard.wrong(given.login, digest)
            raise
        self._guard.right(given.login, digest, person.id)
        try:
            stored = await self._adoption.adopt(person, given.steps)
        except CannotAdopt as refusal:
            raise LogInForbidden(str(refusal)) from refusal
        self._proved.remember(given.login, digest, stored.account)
        return stored

    async def _remembered(self, given: Given, digest: bytes) -> StoredCredentials | None:
        account = self._proved.account(given.login, digest)
        if account is None:
            return None
        given.steps.add("remembered", account=account)
        self._count("remembered")
        return await self._identities.credentials_of(account)

    def _keep_back(self, login: str, digest: bytes) -> None:
        """Raises BadCredentials, TooManyAttempts: the guard lets nothing through."""
        try:
            self._guard.check(login, digest)
        except TooManyAttempts:
            self._count("limited")
            raise
        except BadCredentials:
            self._count("repeated")
            raise

    def _count(self, answer: str) -> None:
        if self._metrics is not None:
            self._metrics.directory_password(self._directory.name, answer)

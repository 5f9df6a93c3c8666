"""Passwords of local accounts: a source for :mod:`.chain`, over the verifiers kept of them."""

from __future__ import annotations

from mailhub import log
from mailhub.auth.chain import Given
from mailhub.auth.hashing import Hashing
from mailhub.auth.memory import VerifiedSecrets
from mailhub.auth.verifiers import ARGON2ID, NOBODY, outdated, verify
from mailhub.interfaces import BadCredentials, ILocalAccounts, NoSuchPerson
from mailhub.model.errors import Refusal
from mailhub.model.mail import StoredCredentials, Verifier


class LocalPasswords:
    """Checks against the verifiers that *accounts* keeps.

    An account without any is not one of ours to judge: a directory may know its owner.
    """

    name = "local accounts"
    pads = False

    def __init__(self, accounts: ILocalAccounts, hashing: Hashing, memory: VerifiedSecrets) -> None:
        self._accounts = accounts
        self._hashing = hashing
        self._memory = memory

    def takes(self, given: Given) -> bool:
        return True

    async def prove(self, given: Given) -> StoredCredentials:
        stored = await self._accounts.credentials(given.login)
        if stored is None:
            raise NoSuchPerson("no such account")
        if not stored.verifiers:
            raise NoSuchPerson(f"{stored.address} has no password here")
        verifier = _best(stored)
        if self._memory.knows(stored.account, verifier, given.password):
            return stored
        if not await self._hashing.run(verify, verifier, given.password):
            raise BadCredentials("wrong password")
        self._memory.remember(stored.account, verifier, given.password)
        if outdated(stored.verifiers):
            await self._upgrade(stored, given.password)
        return stored

    async def decoy(self, password: str) -> None:
        """What :meth:`prove` does about a wrong password, to nobody's."""
        await self._hashing.run(verify, NOBODY, password)

    async def _upgrade(self, stored: StoredCredentials, password: str) -> None:
        """This is the moment when the password is known; the log-in does not depend on it."""
        try:
            await self._accounts.replace_verifiers(stored.account, password)
        except Refusal as problem:
            log.event("error", level="warn", what=f"verifiers of {stored.address}: {problem}")
        else:
            log.event("password.upgraded", account=stored.address)


def _best(stored: StoredCredentials) -> Verifier:
    """The verifier to check a password with: argon2id if there is one."""
    return min(stored.verifiers, key=lambda verifier: verifier.scheme != ARGON2ID)

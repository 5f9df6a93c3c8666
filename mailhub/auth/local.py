"""Passwords of local accounts, for PLAIN, LOGIN, IMAP's LOGIN and POP3's PASS."""

from __future__ import annotations

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.internet.defer import Deferred
from zope.interface import implementer

from mailhub import log
from mailhub.auth.hashing import Hashing
from mailhub.auth.memory import VerifiedSecrets
from mailhub.auth.policy import authorise
from mailhub.auth.throttle import Throttle
from mailhub.auth.verifiers import ARGON2ID, NOBODY, outdated, verify
from mailhub.interfaces import (
    BadCredentials,
    IClientCredentials,
    ILocalAccounts,
    LogInRefused,
    LogInUnavailable,
)
from mailhub.model.errors import Refusal, Unavailable
from mailhub.model.mail import StoredCredentials, Verifier
from mailhub.sasl.prep import NotPreparable, saslprep


@implementer(ICredentialsChecker)
class LocalPasswordChecker:
    """Checks against the verifiers that *accounts* keeps; the avatar id is the account's."""

    credentialInterfaces = (IUsernamePassword,)  # noqa: N815 - Twisted's name

    def __init__(
        self,
        accounts: ILocalAccounts,
        hashing: Hashing,
        throttle: Throttle,
        memory: VerifiedSecrets,
    ) -> None:
        self._accounts = accounts
        self._hashing = hashing
        self._throttle = throttle
        self._memory = memory

    def requestAvatarId(self, credentials: IUsernamePassword) -> Deferred[bytes | tuple[()]]:
        return Deferred.fromCoroutine(self._check(credentials))

    async def _check(self, credentials: IUsernamePassword) -> bytes | tuple[()]:
        name, password = (_prepared(p) for p in (credentials.username, credentials.password))
        address, authorization = _asked(credentials)
        attempt = self._throttle.begin(address, name, password.encode("utf-8"))
        try:
            stored = await self._prove(name, password)
            await authorise(self._accounts, stored, authorization)
        except BadCredentials:
            raise
        except Unavailable as problem:
            attempt.undecided()
            raise LogInUnavailable(str(problem)) from problem
        except LogInRefused:
            attempt.undecided()
            raise
        attempt.succeeded()
        return stored.account.encode("utf-8")

    async def _prove(self, name: str, password: str) -> StoredCredentials:
        """Raises BadCredentials, after the same work whether or not there is such an account."""
        stored = await self._accounts.credentials(name)
        verifier = _best(stored)
        if stored is not None and self._memory.knows(stored.account, verifier, password):
            return stored
        right = await self._hashing.run(verify, verifier, password)
        if stored is None:
            raise BadCredentials("no such account")
        if not right:
            raise BadCredentials("wrong password")
        self._memory.remember(stored.account, verifier, password)
        if outdated(stored.verifiers):
            await self._upgrade(stored, password)
        return stored

    async def _upgrade(self, stored: StoredCredentials, password: str) -> None:
        """This is the moment when the password is known; the log-in does not depend on it."""
        try:
            await self._accounts.replace_verifiers(stored.account, password)
        except Refusal as problem:
            log.event("error", level="warn", what=f"verifiers of {stored.address}: {problem}")
        else:
            log.event("password.upgraded", account=stored.address)


def _asked(credentials: IUsernamePassword) -> tuple[str, str]:
    """The client's address and whom to act as; unknown with credentials that are not ours."""
    if not IClientCredentials.providedBy(credentials):
        return "", ""
    return credentials.client.address, credentials.authorization_id


def _best(stored: StoredCredentials | None) -> Verifier:
    """The verifier to check a password with: argon2id if there is one."""
    if stored is None or not stored.verifiers:
        return NOBODY
    return min(stored.verifiers, key=lambda verifier: verifier.scheme != ARGON2ID)


def _prepared(octets: bytes) -> str:
    try:
        return saslprep(octets.decode("utf-8"))
    except (UnicodeDecodeError, NotPreparable):
        raise BadCredentials("name or password with characters that cannot be") from None

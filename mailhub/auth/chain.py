"""Passwords (PLAIN, LOGIN, IMAP's LOGIN, POP3's PASS): who is asked about them, in which order.

A portal has room for one checker of passwords; this one asks *sources* (local accounts,
directories, ...) until one of them knows the person.  Throttling and what a client must also
fulfil (:mod:`.policy`) are the same whoever vouches for the password, so they are here.

Knows no source by name.  A source that knows the person has the last word: a wrong password is
never tried elsewhere, where it could count as an attack or be somebody else's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.internet.defer import Deferred
from zope.interface import implementer

from mailhub.auth.policy import Policy
from mailhub.auth.realm import avatar_id_of
from mailhub.auth.throttle import Throttle
from mailhub.interfaces import (
    BadCredentials,
    IClientCredentials,
    LogInRefused,
    LogInUnavailable,
    NoSuchPerson,
)
from mailhub.model.errors import Unavailable
from mailhub.model.mail import Client, StoredCredentials
from mailhub.model.policy import Terms
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.net.atonce import at_once
from mailhub.sasl.prep import NotPreparable, saslprep


@dataclass(frozen=True, slots=True)
class Given:
    """What a client says, prepared (RFC 4013)."""

    login: str
    password: str = field(repr=False)
    client: Client | None = None
    """None with credentials that are not ours: Twisted's know no client."""
    authorization: str = ""
    """Whom to act as; empty: oneself."""
    steps: Hearer = UNHEARD

    @property
    def address(self) -> str:
        return self.client.address if self.client is not None else ""


class PasswordSource(Protocol):
    """Somebody who knows people and their passwords."""

    @property
    def name(self) -> str:
        """For explanations and the log."""

    @property
    def pads(self) -> bool:
        """Whether it takes as long over a name it does not know as over a wrong password."""

    def takes(self, given: Given) -> bool:
        """Whether it is to be asked, by the form of name and password.  Immediate."""

    async def prove(self, given: Given) -> StoredCredentials:
        """The account of whoever has proved to be its owner.

        Raises NoSuchPerson: the next source is asked.  Any other LogInRefused, or Unavailable, is
        the answer.
        """


@implementer(ICredentialsChecker)
class PasswordChain:
    """Asks *sources* in their order; the avatar id is that of :mod:`.realm`.

    *decoy* takes as long as looking at a password does: for those whom nobody knows, unless a
    source that was asked pads, so that the time of a refusal does not tell who exists.
    """

    credentialInterfaces = (IUsernamePassword,)  # noqa: N815 - Twisted's name

    def __init__(
        self,
        sources: Sequence[PasswordSource],
        policy: Policy,
        throttle: Throttle,
        decoy: Callable[[str], Awaitable[object]],
    ) -> None:
        self._sources = tuple(sources)
        self._policy = policy
        self._throttle = throttle
        self._decoy = decoy

    def requestAvatarId(self, credentials: IUsernamePassword) -> Deferred[bytes | tuple[()]]:
        return at_once(self._check(credentials))

    async def _check(self, credentials: IUsernamePassword) -> bytes | tuple[()]:
        given = self._given(credentials)
        try:
            avatar_id, terms = await self._decide(given)
        except LogInRefused as refusal:
            given.steps.add("refused", reason=type(refusal).__name__, detail=refusal.detail)
            raise
        if IClientCredentials.providedBy(credentials):
            credentials.terms = terms
        return avatar_id

    def _given(self, credentials: IUsernamePassword) -> Given:
        """Raises BadCredentials."""
        name = _prepared(credentials.username)
        password = _prepared(credentials.password)
        if not IClientCredentials.providedBy(credentials):
            return Given(name, password)
        named = self._policy.masters.split(name, credentials.authorization_id)
        return Given(
            named.login, password, credentials.client, named.authorization, credentials.steps
        )

    async def _decide(self, given: Given) -> tuple[bytes, Terms]:
        attempt = self._throttle.begin(given.address, given.login, given.password.encode("utf-8"))
        try:
            stored = await self._ask(given)
            terms = await self._policy.authorise(
                stored, given.client, given.authorization, given.steps
            )
        except BadCredentials:
            raise
        except Unavailable as problem:
            attempt.undecided()
            raise LogInUnavailable(str(problem)) from problem
        except LogInRefused:
            attempt.undecided()
            raise
        attempt.succeeded()
        if stored.means:
            terms = replace(terms, means=stored.means)
        return avatar_id_of(stored, terms), terms

    async def _ask(self, given: Given) -> StoredCredentials:
        asked = [source for source in self._sources if source.takes(given)]
        for source in asked:
            try:
                stored = await source.prove(given)
            except NoSuchPerson as unknown:
                given.steps.add("source", name=source.name, outcome=unknown.detail)
                continue
            except (LogInRefused, Unavailable) as final:
                given.steps.add("source", name=source.name, outcome=str(final))
                raise
            given.steps.add("source", name=source.name, outcome="proved", account=stored.address)
            return stored
        if not any(source.pads for source in asked):
            await self._decoy(given.password)
        told = ", ".join(source.name for source in asked)
        raise NoSuchPerson(f"unknown to {told}" if told else "no source takes such a name")


def _prepared(octets: bytes) -> str:
    try:
        return saslprep(octets.decode("utf-8"))
    except (UnicodeDecodeError, NotPreparable):
        raise BadCredentials("name or password with characters that cannot be") from None

"""SASL EXTERNAL (RFC 4422 A): log-in by the client certificate that TLS has seen.

The certificate's names are the account's log-in names, looked up in the hub and in directories.
One with names of several accounts is good for each of them, and the client says for which.
"""

from __future__ import annotations

from dataclasses import replace

from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.defer import Deferred
from zope.interface import implementer

from mailhub.auth.policy import Policy
from mailhub.auth.realm import avatar_id_of
from mailhub.interfaces import (
    BadCredentials,
    ILocalAccounts,
    LogInForbidden,
    LogInRefused,
    LogInUnavailable,
    NoSuchPerson,
)
from mailhub.interfaces_sasl import IExternal, ISaslExchange
from mailhub.model.errors import Unavailable
from mailhub.model.mail import ClientCertificate, StoredCredentials
from mailhub.model.steps import Hearer
from mailhub.sasl.prep import NotPreparable, saslprep


@implementer(ICredentialsChecker)
class ExternalChecker:
    """*accounts* tells whose a name is, directories' people included."""

    credentialInterfaces = (IExternal,)  # noqa: N815 - Twisted's name

    def __init__(self, accounts: ILocalAccounts, policy: Policy) -> None:
        self._accounts = accounts
        self._policy = policy

    def requestAvatarId(self, credentials: ISaslExchange) -> Deferred[bytes | tuple[()]]:
        return Deferred.fromCoroutine(self._check(credentials))

    async def _check(self, exchange: ISaslExchange) -> bytes:
        try:
            return await self._decide(exchange)
        except Unavailable as problem:
            raise LogInUnavailable(str(problem)) from problem
        except LogInRefused as refusal:
            exchange.steps.add("refused", reason=type(refusal).__name__, detail=refusal.detail)
            raise

    async def _decide(self, exchange: ISaslExchange) -> bytes:
        certificate = exchange.client.certificate
        if certificate is None:
            raise BadCredentials("the client has shown no certificate")
        exchange.user = ", ".join(certificate.names) or certificate.subject
        authorization = _prepared(await exchange.respond(None))
        _judge(certificate, exchange.steps)
        stored = await self._owner(certificate, authorization, exchange.steps)
        terms = await self._policy.authorise(stored, exchange.client, authorization, exchange.steps)
        means = f"certificate {certificate.subject}"
        if terms.account is not None:
            means = f"{terms.means} by {means}"
        exchange.terms = replace(terms, means=means)
        return avatar_id_of(stored, terms)

    async def _owner(
        self, certificate: ClientCertificate, authorization: str, steps: Hearer
    ) -> StoredCredentials:
        """The account that is meant, of those whose names are in the certificate."""
        owners: dict[str, StoredCredentials] = {}
        for name in certificate.names:
            stored = await self._accounts.credentials(name)
            steps.add("account", log_in_name=name, address=stored.address if stored else "nobody")
            if stored is not None:
                owners.setdefault(stored.account, stored)
        if not owners:
            raise NoSuchPerson(f"no name in the certificate {certificate.subject} has an account")
        meant = await self._accounts.credentials(authorization) if authorization else None
        if meant is not None and meant.account in owners:
            return owners[meant.account]
        first, *others = owners.values()
        if others and not authorization:
            told = " and ".join(owner.address for owner in owners.values())
            raise LogInForbidden(f"the certificate is {told}'s; the client must say which is meant")
        return first  # whether it may act as somebody else is for the policy to say


def _judge(certificate: ClientCertificate, steps: Hearer) -> None:
    outcome = certificate.problem or "good"
    names = certificate.names
    steps.add("certificate", subject=certificate.subject, names=names, outcome=outcome)
    if certificate.problem:
        raise BadCredentials(f"certificate {certificate.subject}: {certificate.problem}")


def _prepared(octets: bytes) -> str:
    try:
        text = octets.decode("utf-8")
        return saslprep(text) if text else ""
    except (UnicodeDecodeError, NotPreparable):
        raise BadCredentials("a name with characters that cannot be") from None

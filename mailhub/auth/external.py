"""SASL EXTERNAL (RFC 4422 A): log-in by the client certificate that TLS has seen.

The certificate's names are the account's log-in names, looked up in the hub and in directories.
One with names of several accounts is good for each of them, and the client says for which.
"""

from __future__ import annotations

from twisted.cred.checkers import ICredentialsChecker
from zope.interface import implementer

from mailhub.auth.names import NameChecker, prepared
from mailhub.interfaces import (
    BadCredentials,
    LogInForbidden,
    NoSuchPerson,
)
from mailhub.interfaces_sasl import IExternal, ISaslExchange
from mailhub.model.mail import ClientCertificate, StoredCredentials
from mailhub.model.steps import Hearer


@implementer(ICredentialsChecker)
class ExternalChecker(NameChecker):
    credentialInterfaces = (IExternal,)  # noqa: N815 - Twisted's name

    async def decide(self, exchange: ISaslExchange) -> bytes:
        certificate = exchange.client.certificate
        if certificate is None:
            raise BadCredentials("the client has shown no certificate")
        exchange.user = ", ".join(certificate.names) or certificate.subject
        authorization = prepared(await exchange.respond(None))
        _judge(certificate, exchange.steps)
        stored = await self._meant(certificate, authorization, exchange.steps)
        means = f"certificate {certificate.subject}"
        return await self.let_in(exchange, stored, authorization, means)

    async def _meant(
        self, certificate: ClientCertificate, authorization: str, steps: Hearer
    ) -> StoredCredentials:
        """The account that is meant, of those whose names are in the certificate."""
        owners: dict[str, StoredCredentials] = {}
        for name in certificate.names:
            stored = await self.owner(name, steps)
            if stored is not None:
                owners.setdefault(stored.account, stored)
        if not owners:
            raise NoSuchPerson(f"no name in the certificate {certificate.subject} has an account")
        meant = await self.accounts.credentials(authorization) if authorization else None
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

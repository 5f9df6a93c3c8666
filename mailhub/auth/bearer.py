"""OAUTHBEARER and XOAUTH2: log-in by an access token that somebody whom we believe has issued.

The name in the token is a log-in name, looked up as any: in the hub and in directories.  A token
that is refused is answered with the challenge that tells why, and then with the
refusal; whoever cannot be asked about it now refuses nothing.
"""

from __future__ import annotations

from twisted.cred.checkers import ICredentialsChecker
from zope.interface import implementer

from mailhub.auth.claims import judge, login_name
from mailhub.auth.names import NameChecker, prepared
from mailhub.auth.policy import Policy
from mailhub.auth.tokens import Providers
from mailhub.config.options import OauthConfig
from mailhub.interfaces import (
    BadCredentials,
    BadToken,
    ILocalAccounts,
    LogInForbidden,
    NoSuchPerson,
)
from mailhub.interfaces_sasl import IOauthBearer, ISaslExchange, IXoauth2
from mailhub.model.mail import StoredCredentials
from mailhub.model.steps import Hearer
from mailhub.net.credentials import SaslCancelled
from mailhub.sasl.bearer import Bearer, parse_bearer, refused
from mailhub.sasl.errors import SaslFailed


@implementer(ICredentialsChecker)
class BearerChecker(NameChecker):
    credentialInterfaces = (IOauthBearer, IXoauth2)  # noqa: N815 - Twisted's name

    def __init__(self, accounts: ILocalAccounts, policy: Policy, providers: Providers) -> None:
        super().__init__(accounts, policy)
        self._providers = providers

    async def decide(self, exchange: ISaslExchange) -> bytes:
        given = _parsed(exchange.mechanism, await exchange.respond(None))
        exchange.user = given.authorization
        authorization = prepared(given.authorization)
        if not given.token:
            raise BadToken("the client has no token")
        provider, claims = await self._providers.claims(given.token, exchange.steps)
        judge(provider, claims, self._providers.wall(), exchange.steps)
        name = prepared(login_name(provider, claims, exchange.steps))
        exchange.user = name
        stored = await self._bearer(provider, name, exchange.steps)
        return await self.let_in(exchange, stored, authorization, f"token of {provider.name}")

    async def _bearer(self, provider: OauthConfig, name: str, steps: Hearer) -> StoredCredentials:
        stored = await self.owner(name, steps)
        if stored is None:
            raise NoSuchPerson(f"the token is {name}'s, who has no account")
        domain = stored.address.rpartition("@")[2]
        if provider.domains and domain not in provider.domains:
            raise LogInForbidden(f"tokens of {provider.name} are not for {domain} (oauth.domains)")
        return stored

    async def tell(self, exchange: ISaslExchange, refusal: BadCredentials) -> None:
        """7628 3.2.3: the client answers with %x01, with nothing, or gives up; it is the same."""
        status = refusal.status if isinstance(refusal, BadToken) else "invalid_token"
        configs = self._providers.configs
        scope = next((" ".join(config.scopes) for config in configs if config.scopes), "")
        discovery = next((config.discovery_url for config in configs if config.discovery_url), "")
        try:
            await exchange.respond(refused(exchange.mechanism, status, scope, discovery))
        except SaslCancelled as cancelled:
            cancelled.refusal = refusal
            raise


def _parsed(mechanism: str, message: bytes) -> Bearer:
    try:
        return parse_bearer(mechanism, message)
    except SaslFailed as malformed:
        raise BadToken(str(malformed), status="invalid_request") from malformed

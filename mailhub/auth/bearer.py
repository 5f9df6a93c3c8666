"""OAUTHBEARER and XOAUTH2: log-in by an access token that somebody whom we believe has issued.

The name in the token is a log-in name, looked up as any: in the hub and in directories.  A token
that is refused is answered with the challenge that tells why, and then with the
refusal; whoever cannot be asked about it now refuses nothing.
"""

from __future__ import annotations

from dataclasses import replace

from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.defer import Deferred
from zope.interface import implementer

from mailhub.auth.claims import judge, login_name
from mailhub.auth.policy import Policy
from mailhub.auth.realm import avatar_id_of
from mailhub.auth.tokens import Providers
from mailhub.config.options import OauthConfig
from mailhub.interfaces import (
    BadCredentials,
    BadToken,
    ILocalAccounts,
    LogInForbidden,
    LogInRefused,
    LogInUnavailable,
    NoSuchPerson,
)
from mailhub.interfaces_sasl import IOauthBearer, ISaslExchange, IXoauth2
from mailhub.model.errors import Unavailable
from mailhub.model.mail import StoredCredentials
from mailhub.model.steps import Hearer
from mailhub.net.credentials import SaslCancelled
from mailhub.sasl.bearer import Bearer, parse_bearer, refused
from mailhub.sasl.errors import SaslFailed
from mailhub.sasl.prep import NotPreparable, saslprep


@implementer(ICredentialsChecker)
class BearerChecker:
    """*accounts* tells whose a name is, directories' people included."""

    credentialInterfaces = (IOauthBearer, IXoauth2)  # noqa: N815 - Twisted's name

    def __init__(self, accounts: ILocalAccounts, policy: Policy, providers: Providers) -> None:
        self._accounts = accounts
        self._policy = policy
        self._providers = providers

    def requestAvatarId(self, credentials: ISaslExchange) -> Deferred[bytes | tuple[()]]:
        return Deferred.fromCoroutine(self._check(credentials))

    async def _check(self, exchange: ISaslExchange) -> bytes:
        try:
            return await self._decide(exchange)
        except Unavailable as problem:
            exchange.steps.add("refused", reason="LogInUnavailable", detail=str(problem))
            raise LogInUnavailable(str(problem)) from problem
        except LogInRefused as refusal:
            exchange.steps.add("refused", reason=type(refusal).__name__, detail=refusal.detail)
            if isinstance(refusal, BadCredentials):
                await self._tell(exchange, refusal)
            raise

    async def _decide(self, exchange: ISaslExchange) -> bytes:
        given = _parsed(exchange.mechanism, await exchange.respond(None))
        exchange.user = given.authorization
        authorization = _prepared(given.authorization)
        if not given.token:
            raise BadToken("the client has no token")
        provider, claims = await self._providers.claims(given.token, exchange.steps)
        judge(provider, claims, self._providers.wall(), exchange.steps)
        name = _prepared(login_name(provider, claims, exchange.steps))
        exchange.user = name
        stored = await self._owner(provider, name, exchange.steps)
        terms = await self._policy.authorise(stored, exchange.client, authorization, exchange.steps)
        means = f"token of {provider.name}"
        if terms.account is not None:
            means = f"{terms.means} by {means}"
        exchange.terms = replace(terms, means=means)
        return avatar_id_of(stored, terms)

    async def _owner(self, provider: OauthConfig, name: str, steps: Hearer) -> StoredCredentials:
        stored = await self._accounts.credentials(name)
        steps.add("account", log_in_name=name, address=stored.address if stored else "nobody")
        if stored is None:
            raise NoSuchPerson(f"the token is {name}'s, who has no account")
        domain = stored.address.rpartition("@")[2]
        if provider.domains and domain not in provider.domains:
            raise LogInForbidden(f"tokens of {provider.name} are not for {domain} (oauth.domains)")
        return stored

    async def _tell(self, exchange: ISaslExchange, refusal: BadCredentials) -> None:
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


def _prepared(text: str) -> str:
    try:
        return saslprep(text) if text else ""
    except NotPreparable:
        raise BadCredentials("a name with characters that cannot be") from None

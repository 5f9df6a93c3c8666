"""SCRAM log-in of local accounts: leads the dialogue over the keys that the hub keeps.

Whoever asks for an account that does not exist gets a salt too, always the same for the same
name, and learns only at the end, like everybody else, that the proof is wrong.
"""

from __future__ import annotations

import hashlib
import hmac

from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.defer import Deferred
from zope.interface import implementer

from mailhub.auth.masters import Named
from mailhub.auth.policy import Policy
from mailhub.auth.realm import avatar_id_of
from mailhub.auth.throttle import Throttle
from mailhub.auth.verifiers import ITERATIONS, SALT_OCTETS, read_keys
from mailhub.interfaces import (
    BadCredentials,
    ILocalAccounts,
    LogInRefused,
    LogInUnavailable,
    NoSuchPerson,
)
from mailhub.interfaces_sasl import ISaslExchange, IScramSha1, IScramSha256, IScramSha256Plus
from mailhub.model.errors import Unavailable
from mailhub.model.mail import StoredCredentials
from mailhub.net.atonce import at_once
from mailhub.sasl.errors import SaslFailed
from mailhub.sasl.prep import NotPreparable, saslprep
from mailhub.sasl.scram import ScramKeys, ScramServer


@implementer(ICredentialsChecker)
class ScramChecker:
    """*secret* makes the salts of accounts that do not exist; it should survive a restart."""

    credentialInterfaces = (  # noqa: N815 - Twisted's name
        IScramSha256Plus,
        IScramSha256,
        IScramSha1,
    )

    def __init__(
        self, accounts: ILocalAccounts, policy: Policy, throttle: Throttle, secret: bytes
    ) -> None:
        self._accounts = accounts
        self._policy = policy
        self._throttle = throttle
        self._secret = secret

    def requestAvatarId(self, credentials: ISaslExchange) -> Deferred[bytes | tuple[()]]:
        return at_once(self._check(credentials))

    async def _check(self, exchange: ISaslExchange) -> bytes | tuple[()]:
        try:
            return await self._decide(exchange)
        except LogInRefused as refusal:
            exchange.steps.add("refused", reason=type(refusal).__name__, detail=refusal.detail)
            raise

    async def _decide(self, exchange: ISaslExchange) -> bytes:
        # Without a -PLUS variant of SHA-1, a client of it rightly says that we cannot bind (y).
        bindings = () if exchange.mechanism == "SCRAM-SHA-1" else exchange.channel_bindings
        server = ScramServer(exchange.mechanism, bindings)
        first = await exchange.respond(None)
        try:
            server.first(first)
        except SaslFailed as problem:
            raise BadCredentials(str(problem)) from problem
        exchange.user = server.user
        named = self._policy.masters.split(server.user, server.authorization)
        attempt = self._throttle.begin(exchange.client.address, named.login, None)
        try:
            stored = await self._lead(exchange, server, named)
        except BadCredentials:
            raise
        except BaseException:  # given up, cancelled, unavailable: says nothing about the secret
            attempt.undecided()
            raise
        attempt.succeeded()
        return avatar_id_of(stored, exchange.terms)

    async def _lead(
        self, exchange: ISaslExchange, server: ScramServer, named: Named
    ) -> StoredCredentials:
        try:
            stored = await self._accounts.credentials(_prepared(named.login))
            keys = _keys(stored, exchange.mechanism)
            challenge = server.challenge(keys or self._nobody(named.login, exchange.mechanism))
            proof = await exchange.respond(challenge)
            try:
                confirmation = server.final(proof)
            except SaslFailed as problem:
                if keys is None:  # whose proof can only be wrong
                    raise NoSuchPerson("no such account, or no SCRAM verifier") from problem
                raise BadCredentials(str(problem)) from problem
            if stored is None or keys is None:
                raise NoSuchPerson("no such account, or no SCRAM verifier")
            steps = exchange.steps
            steps.add("source", name="SCRAM verifiers", outcome="proved", account=stored.address)
            exchange.terms = await self._policy.authorise(
                stored, exchange.client, named.authorization, steps
            )
        except Unavailable as problem:
            raise LogInUnavailable(str(problem)) from problem
        if await exchange.respond(confirmation):
            raise BadCredentials("the client went on after the end")
        return stored

    def _nobody(self, user: str, mechanism: str) -> ScramKeys:
        """Keys that no password has, with a salt that looks like any other."""
        about = f"{mechanism.removesuffix('-PLUS')}:{user.casefold()}".encode()
        salt, stored, server = (
            hmac.digest(self._secret, purpose + about, hashlib.sha256)
            for purpose in (b"salt:", b"stored:", b"server:")
        )
        return ScramKeys(ITERATIONS, salt[:SALT_OCTETS], stored, server)


def _keys(stored: StoredCredentials | None, mechanism: str) -> ScramKeys | None:
    scheme = mechanism.removesuffix("-PLUS")
    for verifier in stored.verifiers if stored is not None else ():
        if verifier.scheme == scheme:
            return read_keys(verifier)
    return None


def _prepared(name: str) -> str:
    try:
        return saslprep(name)
    except NotPreparable:
        raise BadCredentials("user name with characters that cannot be") from None

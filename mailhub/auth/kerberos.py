"""Log-in by a Kerberos ticket (GSSAPI, RFC 4752), with the keys of the services imap and pop.

Tickets are looked at in threads, by the C library behind python-gssapi (the extra
``mailhub[gssapi]``), which is loaded when it is configured.  The principal's name is a log-in name,
looked up as any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from zope.interface import implementer

from mailhub.auth.hashing import Hashing
from mailhub.auth.names import NameChecker, prepared
from mailhub.auth.policy import Policy
from mailhub.config.options import GssapiConfig
from mailhub.interfaces import (
    BadCredentials,
    ILocalAccounts,
    LogInUnavailable,
    NoSuchPerson,
)
from mailhub.interfaces_sasl import IGssapi, ISaslExchange
from mailhub.model.mail import StoredCredentials
from mailhub.model.steps import Hearer
from mailhub.sasl.errors import SaslFailed
from mailhub.sasl.gssapi import MAX_OCTETS, MAX_ROUNDS, OFFER, chosen

SERVICES = {"imap": "imap", "pop3": "pop"}
"""By protocol."""
ANY_HOST = "*"


@dataclass(frozen=True, slots=True)
class Proved:
    """By a ticket: ``client`` is the principal, ``service`` the one the ticket is for."""

    client: str
    service: str


class Acceptor:
    """One exchange; every method is slow."""

    def __init__(self, config: GssapiConfig) -> None:
        self._config = config
        self._context: Any = None

    def step(self, token: bytes) -> tuple[bytes | None, Proved | None]:
        """What to answer, and who it is when that is proved.

        Raises BadCredentials, LogInUnavailable.
        """
        import gssapi

        if self._context is None:
            self._context = gssapi.SecurityContext(creds=self._credentials(), usage="accept")
        try:
            answer = self._context.step(token)
            is_over = self._context.complete  # raises what came with a token for the client
        except gssapi.exceptions.GSSError as error:
            raise BadCredentials(f"the ticket is not accepted: {in_words(error)}") from error
        if not is_over:
            return answer or b"", None
        proved = Proved(str(self._context.initiator_name), str(self._context.target_name))
        return answer, proved

    def offer(self) -> bytes:
        """The layers that there are, protected."""
        return bytes(self._context.wrap(OFFER, False).message)

    def choice(self, message: bytes) -> bytes:
        """Whom the client wants to be.  Raises BadCredentials, SaslFailed."""
        import gssapi

        try:
            return chosen(bytes(self._context.unwrap(message).message))
        except gssapi.exceptions.GSSError as error:
            raise BadCredentials(f"forged choice of a layer: {in_words(error)}") from error

    def _credentials(self) -> Any:
        import gssapi

        try:
            return gssapi.Credentials(
                usage="accept",
                store={"keytab": f"FILE:{self._config.keytab}"},
                mechs=[gssapi.MechType.kerberos],
            )
        except gssapi.exceptions.GSSError as error:
            raise LogInUnavailable(f"{self._config.keytab}: {in_words(error)}") from error


def in_words(error: Exception) -> str:
    """The library's sentences, without its numbers."""
    texts: list[str] = []
    for kind, code in (("maj", True), ("min", False)):
        number = getattr(error, f"{kind}_code", 0)
        get = getattr(error, "get_all_statuses", None)
        if number and get is not None:
            texts += [str(text) for text in get(number, code)]
    return "; ".join(dict.fromkeys(texts)) or str(error)


@implementer(ICredentialsChecker)
class GssapiChecker(NameChecker):
    """*hostname* is our own."""

    credentialInterfaces = (IGssapi,)  # noqa: N815 - Twisted's name

    def __init__(
        self,
        accounts: ILocalAccounts,
        policy: Policy,
        threads: Hashing,
        config: GssapiConfig,
        hostname: str,
    ) -> None:
        super().__init__(accounts, policy)
        self._threads = threads
        self._config = config
        self._hostname = (config.hostname or hostname).lower()

    async def decide(self, exchange: ISaslExchange) -> bytes:
        acceptor = Acceptor(self._config)
        proved = await self._proved(exchange, acceptor)
        exchange.user = proved.client
        exchange.steps.add("ticket", principal=proved.client, service=proved.service)
        self._for_us(proved, SERVICES.get(exchange.client.protocol, ""))
        wish = await exchange.respond(await self._threads.run(acceptor.offer))
        authorization = prepared(await self._threads.run(acceptor.choice, _bounded(wish)))
        stored = await self._holder(proved, exchange.steps)
        means = f"ticket of {proved.client}"
        return await self.let_in(exchange, stored, authorization, means)

    async def _proved(self, exchange: ISaslExchange, acceptor: Acceptor) -> Proved:
        token = await exchange.respond(None)
        if not token:  # the client has waited for nothing, in an initial response
            token = await exchange.respond(b"")
        for _ in range(MAX_ROUNDS):
            answer, proved = await self._threads.run(acceptor.step, _bounded(token))
            if proved is None:
                token = await exchange.respond(answer)
                continue
            if answer and await exchange.respond(answer):  # 4752 3.1: answered with nothing
                raise BadCredentials("something follows the last token")
            return proved
        raise BadCredentials(f"no end after {MAX_ROUNDS} tokens")

    def _for_us(self, proved: Proved, wanted: str) -> None:
        """Raises BadCredentials."""
        service, _, rest = proved.service.partition("/")
        host, _, realm = rest.rpartition("@")
        if service != wanted or self._hostname not in (ANY_HOST, host.lower()):
            us = f"{wanted}/{self._hostname}"
            raise BadCredentials(f"the ticket is for {proved.service}, not for {us}")
        realms = self._config.realms or (realm,)
        if proved.client.rpartition("@")[2] not in realms:
            raise BadCredentials(f"{proved.client} is not of the realm {' or '.join(realms)}")

    async def _holder(self, proved: Proved, steps: Hearer) -> StoredCredentials:
        for name in self._names(proved.client):
            stored = await self.owner(name, steps)
            if stored is not None:
                return stored
        raise NoSuchPerson(f"no name of the principal {proved.client} has an account")

    def _names(self, principal: str) -> Iterator[str]:
        user = principal.rpartition("@")[0]
        for kind in self._config.names:
            yield prepared(principal if kind == "principal" else user)


def _bounded(token: bytes) -> bytes:
    if len(token) > MAX_OCTETS:
        raise SaslFailed("message too long")
    return token

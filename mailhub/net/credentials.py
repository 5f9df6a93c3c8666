"""What log-in hands to the checkers of a portal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from twisted.cred.credentials import ICredentials, UsernamePassword
from zope.interface import implementer

from mailhub.interfaces import IClientCredentials, LogInRefused
from mailhub.interfaces_sasl import (
    IExternal,
    IGssapi,
    IOauthBearer,
    IScramSha1,
    IScramSha256,
    IScramSha256Plus,
    IXoauth2,
)
from mailhub.model.mail import Client
from mailhub.model.policy import Terms
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.sasl.plain import Password

DEFAULT_TERMS = Terms()
Ask = Callable[[bytes], Awaitable[bytes | None]]
"""Sends a challenge; returns the client's answer, None when the client gave up."""


class SaslCancelled(Exception):
    """The client ended the exchange (``*``)."""

    refusal: LogInRefused | None = None
    """What it had just been told of, if that is why."""


@implementer(IClientCredentials)
class ClientPassword(UsernamePassword):
    """Name and password are octets, as Twisted's own checkers expect."""

    def __init__(self, given: Password, client: Client, steps: Hearer = UNHEARD) -> None:
        super().__init__(given.user, given.password)
        self.steps = steps
        self.terms = DEFAULT_TERMS
        self.client = client
        self.authorization_id = given.authorization.decode("utf-8")


@implementer(ICredentials)
class Exchange:
    """A running SASL dialogue; see :class:`mailhub.interfaces_sasl.ISaslExchange`."""

    mechanism = ""

    def __init__(
        self,
        client: Client,
        initial: bytes | None,
        ask: Ask,
        channel_bindings: Sequence[tuple[str, bytes]],
        steps: Hearer = UNHEARD,
    ) -> None:
        self.client = client
        self.steps = steps
        self.terms = DEFAULT_TERMS
        self.channel_bindings = channel_bindings
        self.user = ""
        """Who the client says it is, set by the checker for the log."""
        self._initial = initial
        self._ask = ask

    async def respond(self, challenge: bytes | None) -> bytes:
        if challenge is None and self._initial is not None:
            return self._initial
        answer = await self._ask(challenge or b"")
        if answer is None:
            raise SaslCancelled
        return answer


@implementer(IScramSha256Plus)
class ScramSha256Plus(Exchange):
    mechanism = "SCRAM-SHA-256-PLUS"


@implementer(IScramSha256)
class ScramSha256(Exchange):
    mechanism = "SCRAM-SHA-256"


@implementer(IScramSha1)
class ScramSha1(Exchange):
    mechanism = "SCRAM-SHA-1"


@implementer(IExternal)
class External(Exchange):
    mechanism = "EXTERNAL"


@implementer(IGssapi)
class Gssapi(Exchange):
    mechanism = "GSSAPI"


@implementer(IOauthBearer)
class OauthBearer(Exchange):
    mechanism = "OAUTHBEARER"


@implementer(IXoauth2)
class Xoauth2(Exchange):
    mechanism = "XOAUTH2"


EXCHANGES = (
    (IExternal, External),
    (IGssapi, Gssapi),
    (IScramSha256Plus, ScramSha256Plus),
    (IScramSha256, ScramSha256),
    (IScramSha1, ScramSha1),
    (IOauthBearer, OauthBearer),
    (IXoauth2, Xoauth2),
)
"""What a portal must list for a mechanism, in the order in which we prefer them."""

"""What log-in hands to checkers that lead a SASL exchange themselves.

A checker that lists one of these among its ``credentialInterfaces`` has its mechanism advertised.
"""

from __future__ import annotations

from collections.abc import Sequence

from zope.interface import Attribute, Interface

from mailhub.model.mail import Client
from mailhub.model.policy import Terms
from mailhub.model.steps import Hearer


class ISaslExchange(Interface):
    """A running SASL exchange, handed to a checker that leads it (SCRAM needs a dialogue)."""

    mechanism: str = Attribute("Registered mechanism name, upper case.")
    client: Client = Attribute("Who is asking.")
    channel_bindings: Sequence[tuple[str, bytes]] = Attribute("(type, data), RFC 5929, 9266.")
    user: str = Attribute("Who the client says it is; set by the checker, for the log.")
    steps: Hearer = Attribute("Who wants to know how it is decided.")
    terms: Terms = Attribute("Under which conditions; set by the checker.")

    async def respond(challenge: bytes | None) -> bytes:
        """Send *challenge*, return the client's answer.

        None as the first challenge: take the initial response if there is one, else send an
        empty challenge.  What it raises when the client gave up is to be passed on.
        """


class IExternal(ISaslExchange):
    """Credentials of an EXTERNAL log-in, by ``client.certificate``."""


class IGssapi(ISaslExchange):
    """Credentials of a GSSAPI log-in (RFC 4752)."""


class IOauthBearer(ISaslExchange):
    """Credentials of an OAUTHBEARER log-in (RFC 7628)."""


class IXoauth2(ISaslExchange):
    """Credentials of an XOAUTH2 log-in."""


class IScramSha1(ISaslExchange):
    """Credentials of a SCRAM-SHA-1 log-in."""


class IScramSha256(ISaslExchange):
    """Credentials of a SCRAM-SHA-256 log-in."""


class IScramSha256Plus(ISaslExchange):
    """Credentials of a SCRAM-SHA-256-PLUS log-in (channel binding)."""

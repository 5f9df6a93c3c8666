"""AUTHENTICATE, with initial responses.  RFC 9051 6.2.2, RFC 4959.

The mechanisms are the portal's business; here is only how IMAP carries their messages.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from functools import lru_cache

from mailhub.imap.commands.login import enter
from mailhub.imap.errors import Bad, Done, No
from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader
from mailhub.net.login import SaslCancelled, UnknownMechanism

_RESPONSE = re.compile(rb"[^\x00-\x20\x7f-\xff]+")
_EMPTY = b"="  # an initial response of no octets (4959 3)
_CANCEL = b"*"


@dataclass(frozen=True, slots=True)
class Authenticate:
    mechanism: str
    initial: bytes | None = field(default=None, repr=False)


def parse_authenticate(r: Reader) -> Authenticate:
    r.sp()
    mechanism = r.atom().upper()
    initial = None
    if r.more():
        text = r.take(_RESPONSE, "An initial response")
        initial = b"" if text == _EMPTY else text
    r.end()
    return Authenticate(mechanism, initial)


def mechanisms(session: Session) -> tuple[str, ...]:
    if session.state is not State.NOT_AUTHENTICATED:
        return ()
    return _named(session.log_in.mechanisms(session.client))


@lru_cache(64)
def _named(mechanisms: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"AUTH={name}" for name in mechanisms)


@command(
    "AUTHENTICATE",
    parse_authenticate,
    state=State.NOT_AUTHENTICATED,
    capabilities=("SASL-IR", mechanisms),
    secret=True,
)
async def authenticate(session: Session, cmd: Authenticate) -> Done:
    initial = None if cmd.initial is None else decode(cmd.initial)

    async def ask(challenge: bytes) -> bytes | None:
        session.challenge(binascii.b2a_base64(challenge, newline=False))
        answer = (await session.input.line()).strip()
        return None if answer == _CANCEL else decode(answer)

    try:
        logged_in = await session.log_in.sasl(
            session.client, cmd.mechanism, initial, ask, session.connection.channel_binding()
        )
    except UnknownMechanism:
        if session.log_in.is_withheld(cmd.mechanism, session.client):
            raise No("Passwords are taken over TLS only", "PRIVACYREQUIRED") from None
        raise No("This mechanism is not available here", "CANNOT") from None
    except SaslCancelled:
        raise Bad("AUTHENTICATE cancelled") from None
    return await enter(session, logged_in)


def decode(text: bytes) -> bytes:
    """Raises Bad for what is not base64 (9051 6.2.2)."""
    try:
        return binascii.a2b_base64(text, strict_mode=True) if text else b""
    except binascii.Error:
        raise Bad("Not base64") from None

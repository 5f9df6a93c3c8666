"""USER, PASS and AUTH: RFC 1939 7, RFC 5034, RFC 3206.

USER is answered alike for every name: who exists is not told.  ``AUTH`` alone lists the
mechanisms, as clients older than CAPA expect.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from mailhub.net.login import LoggedIn, SaslCancelled, UnknownMechanism
from mailhub.pop3.wire import TERMINATOR, SyntaxRefused, TooLong

if TYPE_CHECKING:
    from mailhub.pop3.session import Session


def need_protection(session: Session) -> SyntaxRefused:
    how = "give STLS first" if session.channel.tls_offered else "connect with TLS"
    return SyntaxRefused(f"No password in clear over this connection, {how}")


async def user(session: Session, argument: bytes) -> None:
    if not session.log_in.plaintext_allowed(session.channel.client):
        raise need_protection(session)
    name = argument.strip()
    if not name:
        raise SyntaxRefused("USER wants a name")
    session.user = name
    session.ok("Send the password with PASS")


async def pass_(session: Session, argument: bytes) -> None:
    name, session.user = session.user, None  # 1939 7: after a failure USER comes first again
    if name is None:
        raise SyntaxRefused("USER comes before PASS")
    # The one argument is the rest of the line: a password may contain spaces (1939 7).
    await _welcome(session, await session.log_in.password(session.channel.client, name, argument))


async def auth(session: Session, argument: bytes) -> None:  # 5034 4
    words = argument.split()
    if not words:
        _list_mechanisms(session)
        return
    if len(words) > 2:
        raise SyntaxRefused("Syntax: AUTH mechanism [initial response]")
    session.user = None
    mechanism = words[0].decode("ascii", "replace").upper()
    initial = _initial(words[1]) if len(words) == 2 else None
    try:
        logged_in = await session.log_in.sasl(
            session.channel.client,
            mechanism,
            initial,
            Dialogue(session).ask,
            session.channel.channel_binding(),
        )
    except UnknownMechanism:
        if session.log_in.is_withheld(mechanism, session.channel.client):
            raise need_protection(session) from None
        raise SyntaxRefused("That mechanism is not offered") from None
    except SaslCancelled:
        raise SyntaxRefused("Authentication cancelled") from None
    await _welcome(session, logged_in)


class Dialogue:
    """The client's side of a SASL exchange."""

    def __init__(self, session: Session) -> None:
        self._channel = session.channel

    async def ask(self, challenge: bytes) -> bytes | None:
        """Send *challenge*; the client's answer, None when it cancelled."""
        self._channel.write(b"+ " + base64.b64encode(challenge) + b"\r\n")
        line = await self._channel.next_line()
        self._channel.note(b"(response)")
        if isinstance(line, TooLong):
            raise SyntaxRefused("Line too long")
        return None if line == b"*" else _decode(line)


def _initial(word: bytes) -> bytes:
    return b"" if word == b"=" else _decode(word)  # 5034 4: "=" is an empty response


def _decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise SyntaxRefused("That is not base64") from None


def _list_mechanisms(session: Session) -> None:
    session.ok("Mechanisms follow")
    mechanisms = session.log_in.mechanisms(session.channel.client)
    lines = "".join(f"{mechanism}\r\n" for mechanism in mechanisms)
    session.channel.send(lines.encode() + TERMINATOR)


async def _welcome(session: Session, logged_in: LoggedIn) -> None:
    drop = await session.enter(logged_in)
    messages = "1 message" if drop.count == 1 else f"{drop.count} messages"
    session.ok(f"{logged_in.account.address} has {messages} ({drop.octets} octets)")

"""LOGIN.  RFC 9051 6.2.3.

Refused where passwords may not come in clear, which LOGINDISABLED announces (9051 6.2.3).
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field

from mailhub.imap import registry
from mailhub.imap.errors import Done, No
from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.writer import Code, Text
from mailhub.model.errors import Unavailable
from mailhub.net.login import LoggedIn

_NAME = re.compile(rb"[!#-'*-\[\]-z|}~\x80-\xff]+")


@dataclass(frozen=True, slots=True)
class Login:
    user: bytes
    password: bytes = field(repr=False)


def parse_login(r: Reader) -> Login:
    r.sp()
    user = _name(r)
    r.sp()
    password = r.astring_bytes()
    r.end()
    return Login(user, password)


def _name(r: Reader) -> bytes:
    """An astring, or what imaplib makes of a master user's name: with a bare asterisk."""
    return r.astring_bytes() if r.peek() in (b'"', b"{") else r.take(_NAME, "A string")


def login_disabled(session: Session) -> tuple[str, ...]:
    refused = session.state is State.NOT_AUTHENTICATED and not plaintext_allowed(session)
    return ("LOGINDISABLED",) if refused else ()


def plaintext_allowed(session: Session) -> bool:
    return session.log_in.plaintext_allowed(session.client)


@command(
    "LOGIN",
    parse_login,
    state=State.NOT_AUTHENTICATED,
    capabilities=(login_disabled,),
    secret=True,
)
async def login(session: Session, cmd: Login) -> Done:
    if not plaintext_allowed(session):
        raise No("Passwords are taken over TLS only", "PRIVACYREQUIRED")
    return await enter(
        session, await session.log_in.password(session.client, cmd.user, cmd.password)
    )


async def enter(session: Session, logged_in: LoggedIn) -> Done:
    """Let the client in, and tell what is available now: many clients never ask (9051 7.1)."""
    session.enter(logged_in)
    if session.quota_roots is not None:
        with suppress(Unavailable):
            alert = await session.quota_roots.alert(session.account)
            if alert:
                session.untagged("OK", Code("ALERT"), Text(alert))  # 9051 7.1
    return Done("Logged in", Code("CAPABILITY", registry.rendered_capabilities(session)))

"""Commands of both states, and what precedes log-in: CAPA, LANG, UTF8, STLS, NOOP, QUIT.

RFC 2449, RFC 2595, RFC 6856.  LANG knows English only: other languages would be translations of
sentences that hardly a client shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailhub.model.errors import Refusal
from mailhub.pop3.errors import refusal
from mailhub.pop3.wire import TERMINATOR, SyntaxRefused

if TYPE_CHECKING:
    from mailhub.pop3.session import Session

LANGUAGE, LANGUAGE_NAME = "en", "English"


def no_argument(argument: bytes) -> None:
    if argument.strip():
        raise SyntaxRefused("This command takes no argument")


def capabilities(session: Session) -> list[str]:
    """What CAPA lists, for the state and the protection of the session (2449 5)."""
    client = session.channel.client
    mechanisms = session.log_in.mechanisms(client)
    offered = [
        "TOP",
        "UIDL",
        "PIPELINING",
        "RESP-CODES",
        "AUTH-RESP-CODE",
        f"EXPIRE {session.config.expire}",
        f"LOGIN-DELAY {session.config.login_delay}",
        "UTF8 USER",
        "LANG",
        "IMPLEMENTATION mailhub",
    ]
    if session.log_in.plaintext_allowed(client):
        offered.insert(0, "USER")
    if mechanisms:
        offered.insert(0, " ".join(("SASL", *mechanisms)))
    if session.channel.tls_offered and session.maildrop is None:
        offered.insert(0, "STLS")  # 2595 4: present when permitted
    return offered


async def capa(session: Session, argument: bytes) -> None:  # 2449 5
    no_argument(argument)
    session.ok("Capability list follows")
    lines = "".join(f"{line}\r\n" for line in capabilities(session))
    session.channel.send(lines.encode() + TERMINATOR)


async def lang(session: Session, argument: bytes) -> None:  # 6856 3
    wanted = argument.decode("ascii", "replace").strip().lower()
    if not wanted:
        session.ok("Language listing follows:")
        session.channel.send(f"{LANGUAGE} {LANGUAGE_NAME}\r\n".encode() + TERMINATOR)
    elif wanted == "*" or wanted.split("-")[0] == LANGUAGE:  # 4647 3.4: "en-GB" finds "en"
        session.ok(f"{LANGUAGE} Language changed")
    else:
        session.err("That language is not spoken here")


async def utf8(session: Session, argument: bytes) -> None:  # 6856 2.1
    no_argument(argument)
    session.utf8 = True
    session.ok("UTF-8 mode")


async def stls(session: Session, argument: bytes) -> None:  # 2595 4
    no_argument(argument)
    if session.channel.client.tls:
        raise SyntaxRefused("TLS is active already")
    if not session.channel.tls_offered:
        raise SyntaxRefused("TLS is not offered here")
    session.ok("Begin TLS negotiation")
    session.user, session.utf8 = None, False  # nothing counts that was said in clear
    session.channel.lines.clear()
    session.channel.start_tls()


async def noop(session: Session, argument: bytes) -> None:
    no_argument(argument)
    session.ok()


async def quit_(session: Session, argument: bytes) -> None:  # 1939 6: the UPDATE state
    no_argument(argument)
    session.ended = True
    try:
        removed = await session.maildrop.commit() if session.maildrop is not None else 0
    except Refusal as problem:
        text, code = refusal(problem)
        session.leave()
        session.err(f"{text}; nothing was deleted", code or "SYS/TEMP")
        return
    if removed:
        session.channel.event("mail.expunged", count=removed, mailbox="INBOX")
    session.leave()  # before the answer: who sees it may log in again at once
    session.ok(f"Goodbye, {removed} messages deleted" if removed else "Goodbye")

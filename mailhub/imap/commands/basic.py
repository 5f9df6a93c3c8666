"""CAPABILITY, NOOP, CHECK and LOGOUT.  RFC 9051 6.1, RFC 3501 6.4.1."""

from __future__ import annotations

from mailhub.imap import registry
from mailhub.imap.errors import Done
from mailhub.imap.registry import command, nothing
from mailhub.imap.session import Session, State
from mailhub.imap.wire.writer import Text

# Literals are the framing's; the capability is of all commands, so of none in particular.
BASE = ("IMAP4rev1", "IMAP4rev2", "LITERAL+")


@command("CAPABILITY", nothing, state=State.ANY, capabilities=BASE)
async def capability(session: Session, _: None) -> None:  # 9051 6.1.1
    session.untagged("CAPABILITY", registry.rendered_capabilities(session))


@command("NOOP", nothing, state=State.ANY)
async def noop(session: Session, _: None) -> None:  # 9051 6.1.2
    """Nothing but the updates that end every command."""


@command("CHECK", nothing, state=State.SELECTED)
async def check(session: Session, _: None) -> None:  # 3501 6.4.1, gone in 9051
    """Nothing: what was acknowledged is on disk already."""


@command("LOGOUT", nothing, state=State.ANY)
async def logout(session: Session, _: None) -> Done:  # 9051 6.1.3
    session.untagged("BYE", Text("Logging out"))
    session.unselect()
    return Done(then=session.connection.close)

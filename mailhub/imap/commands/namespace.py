"""NAMESPACE.  RFC 9051 6.3.10, RFC 2342.

One personal namespace without a prefix; others' and shared mailboxes do not exist.
"""

from __future__ import annotations

from mailhub.imap.registry import command, nothing
from mailhub.imap.session import Session, State
from mailhub.imap.wire.writer import NString, Quoted
from mailhub.model.names import SEPARATOR


@command("NAMESPACE", nothing, state=State.AUTHENTICATED, capabilities=("NAMESPACE",))
async def namespace(session: Session, _: None) -> None:
    personal = [[Quoted(""), Quoted(SEPARATOR)]]
    session.untagged("NAMESPACE", personal, NString(None), NString(None))

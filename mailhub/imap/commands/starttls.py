"""STARTTLS.  RFC 9051 6.2.1.

Whatever the client sent in clear behind the command is dropped, so that nobody in between can
slip commands into the protected session (CVE-2011-0411).
"""

from __future__ import annotations

from mailhub.imap.errors import Bad, Done
from mailhub.imap.registry import command, nothing
from mailhub.imap.session import Session, State


def offered(session: Session) -> tuple[str, ...]:
    may = session.state is State.NOT_AUTHENTICATED and session.connection.tls_offered
    return ("STARTTLS",) if may else ()


@command("STARTTLS", nothing, state=State.NOT_AUTHENTICATED, capabilities=(offered,))
async def starttls(session: Session, _: None) -> Done:
    if not session.connection.tls_offered:
        raise Bad("TLS is active already" if session.client.tls else "TLS is not available here")
    return Done("Begin TLS negotiation now", then=session.start_tls)

"""What the command line may ask of a serving process: its sessions.

Of a server with several workers :mod:`.supervisor` asks all, and puts the answers together.
"""

from __future__ import annotations

from collections.abc import Mapping

from mailhub.model.mail import AccountId
from mailhub.net.control import Handler, Request, session_handlers
from mailhub.service.running import Running


def handlers_of(running: Running) -> Mapping[str, Handler]:
    """About the sessions of this process."""
    of_sessions = session_handlers(running.host.connections, running.host.reactor)
    store = running.engine.parts.store

    async def end(request: Request) -> object:
        ended = await of_sessions["end"](request)
        if "account" in request:  # its files are about to be removed or replaced
            await store.close_account(AccountId(str(request["account"])))
        return ended

    return {**of_sessions, "end": end}

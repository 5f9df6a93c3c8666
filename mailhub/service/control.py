"""What the command line may ask of a running server: status, reload, and its sessions.

``admin`` asks nothing: it tells what an administrator has just done, for the event log.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

import mailhub
from mailhub import log
from mailhub.model.mail import AccountId
from mailhub.net.control import ControlFactory, Handler, Request, session_handlers
from mailhub.service.running import Running


def control_factory(running: Running, reload: Callable[[], list[str]]) -> ControlFactory:
    """Answers on the control socket."""
    started = time.time()
    host, sockets, store = running.host, running.sockets, running.engine.parts.store
    of_sessions = session_handlers(host.connections, host.reactor)

    async def status(request: Request) -> object:
        return {
            "pid": os.getpid(),
            "version": mailhub.__version__,
            "started": round(started),
            "connections": len(host.connections),
            "listeners": [
                {"protocol": each.listener.protocol, "address": each.address}
                | {"tls": each.listener.tls}
                for each in sockets.listening
            ],
        }

    async def reload_now(request: Request) -> object:
        return reload()

    async def end(request: Request) -> object:
        ended = await of_sessions["end"](request)
        if "account" in request:  # its files are about to be removed or replaced
            await store.close_account(AccountId(str(request["account"])))
        return ended

    async def admin(request: Request) -> object:
        log.event(
            "server.admin",
            action=str(request.get("action", "")),
            user=str(request.get("user", "")),
            outcome=str(request.get("outcome", "")),
        )
        return None

    own: Mapping[str, Handler] = {
        "status": status,
        "reload": reload_now,
        "end": end,
        "admin": admin,
    }
    return ControlFactory(host.reactor, {**of_sessions, **own})

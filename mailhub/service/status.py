"""What ``mailhub server status`` is told, and the event about what an administrator has done."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import mailhub
from mailhub import log
from mailhub.net.control import Request
from mailhub.net.listen import Listening


def status(
    started: float, workers: Iterable[Mapping[str, object]], listening: Iterable[Listening]
) -> dict[str, object]:
    """*workers*: number, pid, start, connections and earlier deaths of each."""
    told = [dict(worker) for worker in workers]
    return {
        "pid": os.getpid(),
        "version": mailhub.__version__,
        "started": round(started),
        "connections": sum(int(str(worker["connections"])) for worker in told),
        "workers": told,
        "listeners": [
            {"protocol": each.listener.protocol, "address": each.address, "tls": each.listener.tls}
            for each in listening
        ],
    }


async def admin(request: Request) -> object:
    """Told by the command line; nothing is asked."""
    log.event(
        "server.admin",
        action=str(request.get("action", "")),
        user=str(request.get("user", "")),
        outcome=str(request.get("outcome", "")),
    )
    return None

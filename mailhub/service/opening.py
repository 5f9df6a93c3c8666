"""What the first process of a server opens: its listening sockets, and the control socket."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IProtocolFactory

from mailhub import log
from mailhub.config.options import Config
from mailhub.net.doors import Door
from mailhub.net.listen import ListenFailed, Listening, bind, bind_unix, explain


def bind_all(config: Config) -> list[Listening]:
    """Every ``[[listener]]``, or none and ListenFailed."""
    with ExitStack() as undo:
        bound = []
        for listener in config.listeners:
            listening = bind(listener)
            undo.callback(listening.remove)
            bound.append(listening)
        undo.pop_all()
    for each in bound:
        protocol, tls = each.listener.protocol, each.listener.tls
        log.event("server.listening", protocol=protocol, address=each.address, tls=tls)
    return bound


class ControlDoor:
    """The control socket at *path*, for this user only.  Raises ListenFailed."""

    def __init__(self, reactor: Any, path: Path, factory: IProtocolFactory) -> None:
        self._path = path
        try:
            listening = bind_unix(path, 0o600)
        except OSError as problem:
            raise ListenFailed(explain(f"unix:{path}", problem)) from None
        self._door = Door(reactor, listening, factory)

    def close(self) -> None:
        self._door.close()
        self._path.unlink(missing_ok=True)

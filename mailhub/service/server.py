"""The life of a server of one process: start, reload, stop, as a Twisted service.

Start-up is over before the reactor runs: either all sockets are open and the store is ready, or
CannotStart says in one line why not.  With several workers the same is :mod:`.supervisor`'s.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred

import mailhub
from mailhub import log
from mailhub.config.options import Config
from mailhub.config.problems import ConfigError
from mailhub.model.errors import Refusal
from mailhub.net.control import ControlFactory, Handler, Request
from mailhub.net.listen import ListenFailed, Listening
from mailhub.net.pauses import PauseWatch
from mailhub.net.tls import BadCertificate
from mailhub.service import banner, process
from mailhub.service.control import handlers_of
from mailhub.service.embedded import ACCOUNTS, first_start
from mailhub.service.failures import CannotStart
from mailhub.service.opening import ControlDoor, bind_all
from mailhub.service.reload import apply
from mailhub.service.running import Running, Together, open_all
from mailhub.service.status import admin, status
from mailhub.store.hub.datadir import DataDir, ServerLock

WORKER = "0"
"""The name of the only one in metrics."""


class Server(Service):
    """One process serving one data directory.

    *read_config* gives the configuration anew at a reload, *reopen_log* opens the log file again
    after it was rotated away.
    """

    def __init__(
        self,
        reactor: Any,
        config: Config,
        read_config: Callable[[], Config],
        reopen_log: Callable[[], None],
    ) -> None:
        self._reactor = reactor
        self._config = config
        self._read_config = read_config
        self._reopen_log = reopen_log
        self._data = DataDir(config.data_dir)
        self._running: Running | None = None

    def startService(self) -> None:
        """Raises CannotStart."""
        process.prepare(self._reactor)
        try:
            passwords = self._open()
        except (Refusal, BadCertificate, ListenFailed) as problem:
            raise CannotStart(str(problem)) from problem
        assert self._running is not None
        self._running.start(self._listening)
        metrics, connections = self._running.host.metrics, self._running.host.connections
        metrics.worker_serves(WORKER)
        self._pauses = PauseWatch(self._reactor, metrics, WORKER, lambda: len(connections) > 0)
        self._pauses.start()
        process.settle_memory()
        signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self.reload))
        super().startService()  # type: ignore[no-untyped-call]
        log.event("server.started", version=mailhub.__version__, path=str(self._data.path))
        print(self._greeting(passwords), flush=True)

    def _open(self) -> Mapping[str, str]:
        """Sockets last, so that nobody waits for a server that fails.

        Returns the passwords of accounts that the first start has made just now.
        """
        config, data = self._config, self._data
        data.prepare()
        self._lock: ServerLock = data.claim_server()
        passwords = first_start(config, data) if config.embedded else {}
        running = open_all(self._reactor, config, data, Together())
        self._listening: list[Listening] = bind_all(config)
        control = ControlFactory(self._reactor, self._handlers(running))
        self._control = ControlDoor(self._reactor, data.control_socket, control)
        self._running = running
        return passwords

    def _handlers(self, running: Running) -> Mapping[str, Handler]:
        started = time.time()

        async def told(request: Request) -> object:
            worker = {"number": 0, "pid": os.getpid(), "started": round(started), "restarts": 0}
            worker |= {"serves": True, "connections": len(running.host.connections)}
            return status(started, [worker], self._listening)

        async def reload(request: Request) -> object:
            return self.reload()

        return {**handlers_of(running), "status": told, "reload": reload, "admin": admin}

    def stopService(self) -> Deferred[None] | None:
        super().stopService()  # type: ignore[no-untyped-call]
        if self._running is None:
            return None
        running, self._running = self._running, None
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the default would end the process
        log.event("server.stopping")
        return Deferred.fromCoroutine(self._close(running))

    async def _close(self, running: Running) -> None:
        self._control.close()
        running.sockets.close()  # while the reactor still knows the sockets by their numbers
        for listening in self._listening:
            listening.remove()
        self._pauses.stop()
        await running.close()
        self._lock.release()

    def reload(self) -> list[str]:
        """Read configuration, certificates and log file again; what happened, in sentences.

        Nothing is dropped, and a file with mistakes changes nothing.
        """
        if self._running is None:
            return []
        try:
            self._reopen_log()
            told = apply(self._running, self._read_config())
        except (ConfigError, BadCertificate, OSError) as problem:
            told = [f"nothing was changed: {problem}"]
        log.event("server.reloaded", outcome="; ".join(told))
        return told

    def _greeting(self, passwords: Mapping[str, str]) -> str:
        """What is printed when the server is ready."""
        lines = banner.ready_lines(self._listening)
        if self._config.embedded:
            path = self._data.path
            guide = banner.Guide(ACCOUNTS, passwords, path, path / "tls" / "ca.pem")
            lines += banner.guide_lines(guide, self._listening)
        return "\n".join(lines)

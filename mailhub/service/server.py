"""The life of a server: start, reload, stop, as a Twisted service.

Start-up is over before the reactor runs: either all sockets are open and the store is ready, or
CannotStart says in one line why not.
"""

from __future__ import annotations

import gc
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError

import mailhub
from mailhub import log
from mailhub.config.options import Config
from mailhub.config.problems import ConfigError
from mailhub.model.errors import Refusal
from mailhub.net.listen import ListenFailed
from mailhub.net.tls import BadCertificate
from mailhub.service import banner
from mailhub.service.control import control_factory
from mailhub.service.embedded import ACCOUNTS
from mailhub.service.failures import CannotStart
from mailhub.service.reload import apply
from mailhub.service.running import Running, open_all

SWITCH_INTERVAL_SECONDS = 0.0005
"""After so long, not after 5 ms, a thread of the store gives the interpreter to the reactor."""
COLLECTION_THRESHOLDS = (10_000, 20, 20)


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
        self._open: Running | None = None

    def startService(self) -> None:
        """Raises CannotStart."""
        sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
        _allow_many_files()
        try:
            running = open_all(self._reactor, self._config)
            control = control_factory(running, self.reload)
            running.sockets.open_control(running.data.control_socket, control)
        except (Refusal, BadCertificate, ListenFailed, CannotListenError) as problem:
            raise CannotStart(str(problem)) from problem
        running.engine.start()
        running.hashing.start()
        running.directories.start()
        running.people.start(self._reactor)
        running.quotas.start(self._reactor)
        settle_memory()
        signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self.reload))
        self._open = running
        super().startService()  # type: ignore[no-untyped-call]
        log.event("server.started", version=mailhub.__version__, path=str(running.data.path))
        print(greeting(running), flush=True)

    def stopService(self) -> Deferred[None] | None:
        super().stopService()  # type: ignore[no-untyped-call]
        if self._open is None:
            return None
        running, self._open = self._open, None
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the default would end the process
        log.event("server.stopping")
        return Deferred.fromCoroutine(running.close())

    def reload(self) -> list[str]:
        """Read configuration, certificates and log file again; what happened, in sentences.

        Nothing is dropped, and a file with mistakes changes nothing.
        """
        if self._open is None:
            return []
        try:
            self._reopen_log()
            told = apply(self._open, self._read_config())
        except (ConfigError, BadCertificate, OSError) as problem:
            told = [f"nothing was changed: {problem}"]
        log.event("server.reloaded", outcome="; ".join(told))
        return told


def settle_memory() -> None:
    """Keep the collector of cycles off what lives as long as the process: a fifth of a delivery."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTION_THRESHOLDS)


def greeting(running: Running) -> str:
    """What is printed when the server is ready."""
    listening, config = running.sockets.listening, running.config
    lines = [banner.READY, *banner.listening_lines(listening)]
    if config.embedded:
        path = running.data.path
        guide = banner.Guide(ACCOUNTS, running.passwords, path, path / "tls" / "ca.pem")
        lines += banner.guide_lines(guide, listening)
    return "\n".join(lines)


def _allow_many_files() -> None:
    """As many open files as the system allows: one per connection, five per open account."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

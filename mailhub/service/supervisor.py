"""The life of a server with several workers: the parent binds, starts them, and looks after them.

It serves nobody itself but the command line, and imports as little as that takes.  Start-up is over
before the reactor runs, as with :mod:`.server`.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock

import mailhub
from mailhub import log
from mailhub.config.options import Config
from mailhub.config.problems import ConfigError
from mailhub.model.errors import Refusal
from mailhub.net.control import ControlError, ControlFactory, Handler, Request
from mailhub.net.listen import ListenFailed, Listening
from mailhub.service import banner
from mailhub.service.changes import kept
from mailhub.service.crew import Crew, Worker
from mailhub.service.failures import CannotStart
from mailhub.service.memory import Memory
from mailhub.service.opening import ControlDoor, bind_all
from mailhub.service.processes import Template
from mailhub.service.status import admin, status
from mailhub.store.hub.bell import Sexton
from mailhub.store.hub.datadir import DataDir, ServerLock


class Supervisor(Service):
    """*template* has been started already.

    *fatal* is told in one line when the server cannot go on, after which it stops.
    """

    def __init__(
        self,
        reactor: Any,
        config: Config,
        workers: int,
        template: Template,
        read_config: Callable[[], Config],
        reopen_log: Callable[[], None],
        fatal: Callable[[str], None],
    ) -> None:
        self._reactor = reactor
        self._config = config
        self._workers = workers
        self._template = template
        self._read_config = read_config
        self._reopen_log = reopen_log
        self._fatal = fatal
        self._data = DataDir(config.data_dir)
        self._started = time.time()
        self._reloading = DeferredLock()
        self._crew: Crew | None = None

    def startService(self) -> None:
        """Raises CannotStart."""
        try:
            self._crew = self._open()
        except (Refusal, ListenFailed) as problem:
            raise CannotStart(str(problem)) from problem
        signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self.reload))
        super().startService()  # type: ignore[no-untyped-call]
        log.event("server.started", version=mailhub.__version__, path=str(self._data.path))
        print("\n".join(banner.ready_lines(self._listening)), flush=True)

    def _open(self) -> Crew:
        self._data.prepare()
        self._lock: ServerLock = self._data.claim_server()
        self._sexton = Sexton(self._data.bell)
        self._listening: list[Listening] = bind_all(self._config)
        crew = Crew(
            self._reactor,
            self._config,
            Memory.make(self._workers),
            self._listening,
            self._template,
            self._sexton,
            self._abandoned,
        )
        crew.start()
        control = ControlFactory(self._reactor, self._handlers(crew))
        self._control = ControlDoor(self._reactor, self._data.control_socket, control)
        return crew

    def stopService(self) -> Deferred[None] | None:
        super().stopService()  # type: ignore[no-untyped-call]
        if self._crew is None:
            return None
        crew, self._crew = self._crew, None
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the default would end the process
        log.event("server.stopping")
        return Deferred.fromCoroutine(self._close(crew))

    async def _close(self, crew: Crew) -> None:
        self._control.close()
        for listening in self._listening:
            listening.remove()
        await crew.stop()
        self._sexton.close()
        self._lock.release()

    def _abandoned(self) -> None:
        self._fatal("no worker could be kept running; the log says why")

    # --- reload ---

    def reload(self) -> Deferred[list[str]]:
        """Read configuration, certificates and log file again; what happened, in sentences.

        Nothing is dropped, and a file with mistakes changes nothing.
        """
        return self._reloading.run(lambda: Deferred.fromCoroutine(self._reload()))

    async def _reload(self) -> list[str]:
        crew = self._crew
        if crew is None:
            return []
        try:
            self._reopen_log()
            config = self._read_config()
            told = await self._tell(crew, config)
        except (ConfigError, ControlError, OSError) as problem:
            told = [f"nothing was changed: {problem}"]
        log.event("server.reloaded", outcome="; ".join(told))
        return told

    async def _tell(self, crew: Crew, config: Config) -> list[str]:
        # Workers that start meanwhile are told when they serve.
        crew.config = kept(crew.config, config)
        for worker in crew.workers:
            if worker.serves:
                worker.config = crew.config
        answers = await crew.ask_each("reload", {"config": config})
        told: dict[str, None] = {}
        for answer in answers.values():
            for sentence in [str(answer)] if isinstance(answer, ControlError) else answer:
                told[sentence] = None
        return list(told)

    # --- what the command line asks ---

    def _handlers(self, crew: Crew) -> Mapping[str, Handler]:
        async def told(request: Request) -> object:
            workers = [_described(crew, worker) for worker in crew.workers]
            return status(self._started, workers, self._listening)

        async def reload(request: Request) -> object:
            return await self.reload()

        async def sessions(request: Request) -> object:
            answers = await crew.ask_all("sessions", {})
            return [{**each, "worker": n} for n, answer in answers.items() for each in answer]

        async def dump(request: Request) -> object:
            return await crew.ask_in_turn("dump", request)

        async def end(request: Request) -> object:
            if "account" in request:
                return sum((await crew.ask_all("end", request)).values())
            return await crew.ask_in_turn("end", request)

        of_sessions: Mapping[str, Handler] = {"sessions": sessions, "dump": dump, "end": end}
        return {**of_sessions, "status": told, "reload": reload, "admin": admin}


def _described(crew: Crew, worker: Worker) -> dict[str, object]:
    return {
        "number": worker.number,
        "pid": worker.process.pid if worker.process is not None else None,
        "started": round(worker.started),
        "restarts": worker.restarts,
        "serves": worker.serves,
        "connections": crew.memory.connections(worker.number),
    }

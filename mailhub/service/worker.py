"""One of several workers, in a process that :mod:`.template` has forked.

It serves the listeners that it was given, and answers the parent's questions, until SIGTERM or
until the parent is gone: then it says goodbye to its clients and ends.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import globalLogBeginner
from twisted.python.failure import Failure

from mailhub import log
from mailhub.config.options import Config
from mailhub.metrics import Metrics
from mailhub.model.errors import Refusal
from mailhub.model.mail import AccountId
from mailhub.net.control import ControlError, Request
from mailhub.net.frames import Frames, frame
from mailhub.net.listen import Listening
from mailhub.net.pauses import PauseWatch
from mailhub.net.tls import BadCertificate
from mailhub.service import process
from mailhub.service.control import handlers_of
from mailhub.service.failures import EX_UNAVAILABLE
from mailhub.service.link import adopt
from mailhub.service.logs import open_log
from mailhub.service.memory import Memory
from mailhub.service.messages import Answer, Ask, Failed, Order, Ready, Tell
from mailhub.service.people import end_sessions
from mailhub.service.reload import apply
from mailhub.service.running import Together, open_all
from mailhub.store.hub.datadir import DataDir, ServerLock

Handler = Callable[[Request], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Equipment:
    """What all workers are given by the process that they are forked from."""

    memory: int
    listening: Sequence[Listening]
    membership: ServerLock


class Worker:
    """What this process serves."""

    def __init__(
        self, reactor: Any, order: Order, equipment: Equipment, reopen_log: Callable[[], None]
    ) -> None:
        """Raises Refusal, BadCertificate."""
        process.prepare(reactor)
        self.link: ParentLink | None = None
        number = order.number
        self._memory = Memory(equipment.memory, order.workers)
        self._turns = self._memory.turns(number)
        self._equipment = equipment
        self._reopen_log = reopen_log
        metrics = Metrics(self._memory.cells(number), self._memory.regions)
        shared = self._memory.shared(number)
        together = Together(shared, metrics, self._turns, self._suspended_elsewhere)
        data = DataDir(order.config.data_dir)
        self._running = open_all(reactor, order.config, data, together)
        connections = self._running.host.connections
        self._pauses = PauseWatch(
            reactor,
            metrics,
            str(number),
            lambda: len(connections) > 0,
            lambda: self._memory.beat(number),
        )
        metrics.worker_serves(str(number))

    def start(self) -> None:
        self._turns.begin()
        self._running.start(self._equipment.listening)
        self._pauses.start()
        process.settle_memory()

    async def close(self) -> None:
        self._turns.end()
        self._running.sockets.close()
        self._equipment.membership.release()
        self._pauses.stop()
        await self._running.close()

    def handlers(self) -> Mapping[str, Handler]:
        async def reload(request: Request) -> object:
            return self._reload(request["config"])

        async def suspend(request: Request) -> object:
            return end_sessions(self._running.host, request["account"])

        return {**handlers_of(self._running), "reload": reload, "suspend": suspend}

    def _suspended_elsewhere(self, account: AccountId) -> None:
        if self.link is not None:
            self.link.send(Tell("suspend", {"account": account}))

    def _reload(self, config: Config) -> list[str]:
        try:
            self._reopen_log()
            return apply(self._running, config)
        except (BadCertificate, OSError) as problem:
            return [f"nothing was changed: {problem}"]


class ParentLink(Protocol):
    """Answers the parent; *gone* is called when there is none any more."""

    def __init__(self, handlers: Mapping[str, Handler], gone: Callable[[], None]) -> None:
        self._handlers = handlers
        self._gone = gone
        self._frames = Frames()

    def connectionMade(self) -> None:
        self.send(Ready())

    def dataReceived(self, data: bytes) -> None:
        for message in self._frames.feed(data):
            Deferred.fromCoroutine(self._answer(message))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._gone()

    def send(self, message: object) -> None:
        if self.transport is not None:
            self.transport.write(frame(message))

    async def _answer(self, ask: Ask) -> None:
        try:
            self.send(Answer(ask.number, await self._handlers[ask.command](ask.arguments)))
        except ControlError as problem:
            self.send(Answer(ask.number, problem=str(problem)))
        except Exception:
            log.failure("error", Failure(), what="a request on the control socket failed")
            self.send(Answer(ask.number, problem="internal error, see the log"))


def main(order: Order, parent: socket.socket, equipment: Equipment) -> None:
    """Serve until SIGTERM, or until *parent* is gone."""
    opened = open_log(order.config.log)
    globalLogBeginner.beginLoggingTo([opened.observer], redirectStandardIO=False)
    from twisted.internet import reactor as the_reactor  # noqa: TID251 - of this process

    reactor: Any = the_reactor
    try:
        worker = Worker(reactor, order, equipment, opened.reopen)
    except (Refusal, BadCertificate) as problem:
        parent.sendall(frame(Failed(str(problem), EX_UNAVAILABLE)))
        raise SystemExit(EX_UNAVAILABLE) from None
    serve(reactor, worker, parent)


def serve(reactor: Any, worker: Worker, parent: socket.socket) -> None:
    """Until it is stopped."""

    def gone() -> None:
        if reactor.running:
            reactor.stop()

    def close() -> Deferred[None]:
        return Deferred.fromCoroutine(worker.close())

    worker.start()
    reactor.addSystemEventTrigger("before", "shutdown", close)
    worker.link = ParentLink(worker.handlers(), gone)
    adopt(reactor, parent, worker.link)
    reactor.run()

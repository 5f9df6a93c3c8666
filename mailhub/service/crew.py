"""The workers of a server as the parent sees them: started, asked, started again, stopped.

A worker's end shows as the end of its channel, and then as the end of its process.  What only the
living may hold in common memory is taken from it at once, the bell is rung for what it may not have
rung itself, and another one is started: soon, or after ever longer pauses when it does not last.
"""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from mailhub import log
from mailhub.config.options import Config
from mailhub.net.control import ControlError
from mailhub.net.frames import read_frame
from mailhub.net.listen import Listening
from mailhub.service.failures import CannotStart
from mailhub.service.link import WorkerGone, WorkerLink, adopt
from mailhub.service.memory import Memory
from mailhub.service.messages import Failed, Order, Ready, Tell
from mailhub.service.processes import Process, Template, TemplateGone
from mailhub.store.hub.bell import Sexton

NO_TEMPLATE = "the process that makes workers has ended, another one is started"
READY_SECONDS = 60.0
SOON_SECONDS = 0.1
"""Until a worker is started again; what stops all processes at once has reached us by then."""
LASTING_SECONDS = 10.0
"""A worker that ends earlier has failed."""
LATEST_SECONDS = 30.0
REAP_SECONDS = 0.02
GONE_SECONDS = 2.0
"""How long a process may outlive its channel."""
STOP_SECONDS = 15.0
ANSWER_SECONDS = 10.0
LOOK_SECONDS = 5.0
STUCK_SECONDS = 60.0
"""A worker whose reactor has not turned for so long is ended; its traceback is in the log."""
ABANDONED_SECONDS = 60.0
"""When nobody has served for so long the server ends, so that somebody notices."""


@dataclass(slots=True)
class Worker:
    """One place in the crew, and the process that has it."""

    number: int
    process: Process | None = None
    link: WorkerLink | None = None
    config: Config | None = None
    """What it was started with, or told since."""
    serves: bool = False
    started: float = 0.0
    began: float = 0.0
    """The same on the monotonic clock."""
    restarts: int = 0
    failures: int = 0
    """In a row."""
    again: IDelayedCall | None = None
    aborted: bool = False


@implementer(IReadDescriptor)
class Crew:
    """*config*: what workers are started with; a reload changes it.

    *abandoned* is called when nobody can be kept serving.
    """

    def __init__(
        self,
        reactor: Any,
        config: Config,
        memory: Memory,
        listening: Sequence[Listening],
        template: Template,
        sexton: Sexton,
        abandoned: Callable[[], None],
    ) -> None:
        self.config = config
        self.memory = memory
        self.workers = [Worker(number) for number in range(memory.workers)]
        self._reactor = reactor
        self._listening = listening
        self._template = template
        self._sexton = sexton
        self._abandoned = abandoned
        self._stopping: Deferred[None] | None = None
        self._looking: IDelayedCall | None = None
        self._served = 0.0

    # --- starting, before the reactor runs ---

    def start(self) -> None:
        """Start all and wait until they serve.  Raises CannotStart, and none is left then."""
        channels = []
        try:
            self._equip()
            for worker in self.workers:
                channels.append((worker, self._make(worker)))
            for worker, channel in channels:
                _await_ready(worker, channel)
        except TemplateGone:
            raise CannotStart("the process that makes workers ended; see above") from None
        finally:
            if any(not worker.serves for worker in self.workers):
                self._kill_all()
        for worker, channel in channels:
            self._adopt(worker, channel)
            self._serves(worker)
        self._served = time.monotonic()
        self._reactor.addReader(self)
        self._look_on()

    def _equip(self) -> None:
        self._template.equip(self.config.data_dir, self.memory.fd, self._listening)

    def _make(self, worker: Worker) -> socket.socket:
        """Have a process made for it; returns our end of its channel.  Raises TemplateGone."""
        order = Order(worker.number, self.memory.workers, self.config)
        worker.started, worker.began = time.time(), time.monotonic()
        worker.config, worker.aborted = self.config, False
        worker.process, channel = self._template.make(order)
        return channel

    def _kill_all(self) -> None:
        self._template.end()
        for worker in self.workers:
            if worker.process is not None:
                worker.process.send(signal.SIGKILL)

    # --- living ---

    def _adopt(self, worker: Worker, channel: socket.socket) -> None:
        worker.link = WorkerLink(
            lambda message: self._told(worker, message), lambda: self._hung_up(worker)
        )
        adopt(self._reactor, channel, worker.link)

    def _told(self, worker: Worker, message: object) -> None:
        match message:
            case Ready():
                self._serves(worker)
            case Failed(text):
                log.event("worker.failed", level="error", worker=worker.number, reason=text)
            case Tell(command, arguments):
                for other in self._serving():
                    if other is not worker:
                        self._ask(other, command, arguments).addErrback(_not_told, command)

    def _serves(self, worker: Worker) -> None:
        worker.serves = True
        self.memory.beat(worker.number)
        log.event("worker.started", worker=worker.number, pid=worker.process and worker.process.pid)
        if worker.config is not self.config and worker.link is not None:  # changed meanwhile
            worker.config = self.config
            told = self._ask(worker, "reload", {"config": self.config})
            told.addErrback(_not_told, "reload")

    def _hung_up(self, worker: Worker) -> None:
        worker.link, worker.serves = None, False
        self._reap(worker, time.monotonic() + GONE_SECONDS)

    def _reap(self, worker: Worker, deadline: float) -> None:
        process = worker.process
        assert process is not None
        late = time.monotonic() > deadline
        hears = self._stopping is None and not late
        if process.has_ended and (process.status is not None or not hears):
            self.memory.clear(worker.number)
            self._sexton.bury()
            process.forget()
            self._ended(worker, process)
            return
        if late:
            process.send(signal.SIGKILL)
        self._reactor.callLater(REAP_SECONDS, self._reap, worker, deadline)

    def _ended(self, worker: Worker, process: Process) -> None:
        worker.process = None
        if self._stopping is not None:
            self._stopped()
            return
        lasted = time.monotonic() - worker.began
        worker.failures = 0 if lasted >= LASTING_SECONDS else worker.failures + 1
        seconds = min(LATEST_SECONDS, SOON_SECONDS * 2**worker.failures)
        about = {"worker": worker.number, "pid": process.pid, "seconds": seconds}
        log.event("worker.ended", level="error", reason=how(process.status), **about)
        worker.again = self._reactor.callLater(seconds, self._restart, worker)

    def _restart(self, worker: Worker) -> None:
        worker.again = None
        worker.restarts += 1
        try:
            channel = self._make(worker)
        except TemplateGone:
            log.event("worker.failed", level="error", worker=worker.number, reason=NO_TEMPLATE)
            self._renew()
            worker.again = self._reactor.callLater(LATEST_SECONDS, self._restart, worker)
        else:
            self._adopt(worker, channel)

    # --- the template ---

    def fileno(self) -> int:
        return self._template.fileno()

    def logPrefix(self) -> str:
        return "crew"

    def doRead(self) -> None:
        try:
            self._template.receive()
        except TemplateGone:
            self._renew()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor is stopping; so are we."""

    def _renew(self) -> None:
        """Those whom it has made live on without it."""
        self._reactor.removeReader(self)
        self._template.end()
        self._template = Template()
        self._reactor.addReader(self)
        with suppress(TemplateGone):  # then this is called again
            self._equip()

    # --- looking after them ---

    def _look_on(self) -> None:
        self._looking = self._reactor.callLater(LOOK_SECONDS, self._look_on)
        now = time.monotonic()
        for worker in self.workers:
            silent = now - self.memory.beats[worker.number]
            if worker.serves and silent > STUCK_SECONDS and not worker.aborted:
                self._abort(worker, silent)
        if any(worker.serves for worker in self.workers):
            self._served = now
        elif now - self._served > ABANDONED_SECONDS:
            self._abandoned()

    def _abort(self, worker: Worker, silent: float) -> None:
        assert worker.process is not None
        worker.aborted = True
        log.event("worker.stuck", level="error", worker=worker.number, seconds=silent)
        worker.process.send(signal.SIGABRT)

    # --- asking ---

    async def ask_each(self, command: str, arguments: Mapping[str, Any]) -> dict[int, Any]:
        """The answer of each who serves, or a ControlError; who ends meanwhile has none."""
        serving = self._serving()
        asked = [self._ask(worker, command, arguments).addErrback(_problem) for worker in serving]
        answers = await gatherResults(asked)
        return {
            worker.number: answer
            for worker, answer in zip(serving, answers, strict=True)
            if answer is not None
        }

    async def ask_all(self, command: str, arguments: Mapping[str, Any]) -> dict[int, Any]:
        """The same.  Raises ControlError when one has one."""
        answers = await self.ask_each(command, arguments)
        for answer in answers.values():
            if isinstance(answer, ControlError):
                raise answer
        return answers

    async def ask_in_turn(self, command: str, arguments: Mapping[str, Any]) -> Any:
        """The answer of the first who has one.  Raises ControlError when nobody has."""
        problem = ControlError("no worker serves just now")
        for worker in self._serving():
            try:
                answer = await self._ask(worker, command, arguments)
            except ControlError as refused:
                problem = refused
            else:
                if answer is not None:
                    return answer
        raise problem

    def _serving(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.serves]

    def _ask(self, worker: Worker, command: str, arguments: Mapping[str, Any]) -> Deferred[Any]:
        assert worker.link is not None
        asked = worker.link.ask(command, arguments).addTimeout(ANSWER_SECONDS, self._reactor)
        return asked.addErrback(_no_answer, worker)

    # --- stopping ---

    def stop(self) -> Deferred[None]:
        """Have all say goodbye and end; fires when they have."""
        if self._looking is not None:
            self._looking.cancel()
        self._stopping = Deferred()
        for worker in self.workers:
            if worker.again is not None:
                worker.again.cancel()
            if worker.process is not None:
                worker.process.send(signal.SIGTERM)
                late = self._reactor.callLater(STOP_SECONDS, worker.process.send, signal.SIGKILL)
                self._stopping.addBoth(_cancelling, late)
        stopping = self._stopping
        self._stopped()
        return stopping

    def _stopped(self) -> None:
        if self._stopping is not None and all(worker.process is None for worker in self.workers):
            stopping, self._stopping = self._stopping, succeed(None)
            self._reactor.removeReader(self)
            self._template.end()
            stopping.callback(None)


def _await_ready(worker: Worker, channel: socket.socket) -> None:
    """Raises CannotStart."""
    channel.settimeout(READY_SECONDS)
    try:
        message = read_frame(channel)
    except (EOFError, ConnectionError):
        raise CannotStart(f"worker {worker.number} ended before it served; see above") from None
    except TimeoutError:
        raise CannotStart(f"worker {worker.number} did not serve in time") from None
    if isinstance(message, Failed):
        raise CannotStart(message.text, message.status)
    worker.serves = True


def how(status: int | None) -> str:
    """How a process ended, in words."""
    if status is None:
        return "ended, nobody knows how"
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def _no_answer(failure: Failure, worker: Worker) -> None:
    if failure.check(TimedOut):
        raise ControlError(f"worker {worker.number} does not answer")
    failure.trap(WorkerGone)


def _problem(failure: Failure) -> ControlError:
    failure.trap(ControlError)
    return ControlError(failure.getErrorMessage())


def _not_told(failure: Failure, command: str) -> None:
    log.failure("error", failure, what=f"telling a worker to {command}")


def _cancelling(result: None, call: IDelayedCall) -> None:
    if call.active():
        call.cancel()

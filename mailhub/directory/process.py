"""The helper process as the server sees it: questions out, answers in, started again if it dies."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IProcessTransport,
    IReactorProcess,
    IReactorTime,
)
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from mailhub import log
from mailhub.config.options import DirectoryConfig
from mailhub.directory.frames import Breaker, EventFrame, Measured, Question, Reply, Setting
from mailhub.directory.troubles import Kind, Refused, Trouble
from mailhub.metrics import Metrics
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.net.agenda import Agenda
from mailhub.net.frames import Frames, frame

MODULE = "mailhub.directory.helper"
GRACE_SECONDS = 1.0
"""More than its time a question is waited for: the helper is stuck then."""
RESTART_SECONDS = 1.0
STOP_SECONDS = 2.0


class HelperFailed(Exception):
    """Something unexpected in the helper; its traceback."""


@dataclass(slots=True)
class _Pending:
    question: Question
    outcome: Deferred[Any]
    steps: Hearer
    timer: IDelayedCall


class Helper:
    """One for all directories of a server process."""

    def __init__(
        self,
        reactor: IReactorTime,
        agenda: Agenda,
        directories: Sequence[DirectoryConfig],
        metrics: Metrics,
        attempts: Path | None = None,
    ) -> None:
        """What the process says is heard by the *agenda*: each answer is a log-in that goes on."""
        self._reactor = reactor
        self.agenda = agenda
        self._setting = Setting(tuple(directories), attempts)
        self._metrics = metrics
        self._pending: dict[int, _Pending] = {}
        self._waiting: Counter[tuple[str, bool]] = Counter()
        self._number = 0
        self._process: _Process | None = None
        self._again: IDelayedCall | None = None
        self._stopping: Deferred[None] | None = None
        self.binds: dict[str, float] = {}
        """How long a bind usually takes, by directory."""
        for directory in directories:
            for server in directory.servers:
                metrics.directory_server(directory.name, server, is_down=False)

    def start(self) -> None:
        """Harmless when called again."""
        self._again = None
        if self._process is None and self._stopping is None:
            self._process = _Process(self)
            self._process.spawn(cast(IReactorProcess, self._reactor))
            self._process.send(self._setting, self._reactor)

    @property
    def pid(self) -> int | None:
        """Of the process, when there is one."""
        return None if self._process is None else self._process.pid

    def ask(
        self, directory: DirectoryConfig, method: str, seconds: float, steps: Hearer, *args: object
    ) -> Deferred[Any]:
        """The value of the Lookup's *method*.  Raises Refused, Trouble."""
        key = (directory.name, method == "prove")
        if self._stopping is not None:
            raise Trouble(Kind.WAITED, "the server is shutting down")
        if self._waiting[key] >= directory.max_connections + directory.max_waiting:
            raise Trouble(Kind.WAITED, f"{self._waiting[key]} questions are waiting already")
        if self._process is None and self._again is None:
            self.start()
        if self._process is None:
            raise Trouble(Kind.WAITED, "the directory helper is being started again")
        self._number += 1
        end = time.monotonic() + seconds
        heard = steps is not UNHEARD
        question = Question(self._number, directory.name, method, args, end, heard)
        timer = self._reactor.callLater(seconds + GRACE_SECONDS, self._late, question.number)
        pending = _Pending(question, Deferred(), steps, timer)
        self._pending[question.number] = pending
        self._waiting[key] += 1
        self._process.send(question, self._reactor)
        return pending.outcome

    def stop(self) -> Deferred[None]:
        """Fires when the process is gone."""
        stopped: Deferred[None] = Deferred()
        self._stopping = stopped
        if self._again is not None:
            self._again.cancel()
        if self._process is None:
            stopped.callback(None)
        else:
            self._process.end(self._reactor)
        return stopped

    # --- what the process tells ---

    def received(self, value: object) -> None:
        match value:
            case Reply():
                self._replied(value)
            case EventFrame():
                log.event(value.name, level=value.level, **value.fields)  # type: ignore[arg-type]
            case Measured():
                self._measured(value)
            case Breaker():
                self._metrics.directory_server(value.directory, value.server, is_down=value.is_open)

    def ended(self, reason: str) -> None:
        """The process is gone."""
        self._process = None
        for number in list(self._pending):
            self._take(number).errback(Failure(Trouble(Kind.WAITED, "the helper process ended")))
        if self._stopping is not None:
            self._stopping.callback(None)
            return
        log.event("directory.helper", level="error", reason=reason)
        self._again = self._reactor.callLater(RESTART_SECONDS, self.start)

    def _replied(self, reply: Reply) -> None:
        pending = self._pending.get(reply.number)
        if pending is None:
            return  # it was too late, and whoever asked knows
        self._metrics.directory_waited(pending.question.directory, reply.waited)
        for step in reply.steps:
            pending.steps.add(step.what, **step.facts)
        question = pending.question
        self._metrics.directory_question(question.directory, question.method, _outcome(reply))
        outcome = self._take(reply.number)
        if isinstance(reply.failure, str):
            outcome.errback(Failure(HelperFailed(reply.failure)))
        elif reply.failure is not None:
            outcome.errback(Failure(reply.failure))
        else:
            outcome.callback(reply.value)

    def _measured(self, measured: Measured) -> None:
        self._metrics.directory_operation(
            measured.directory,
            measured.server,
            measured.operation,
            measured.outcome,
            measured.seconds,
        )
        if measured.operation == "bind" and measured.outcome in ("ok", "refused"):
            usual = self.binds.get(measured.directory, measured.seconds)
            self.binds[measured.directory] = usual + (measured.seconds - usual) / 16

    def _late(self, number: int) -> None:
        text = "the directory helper did not answer in time"
        self._take(number).errback(Failure(Trouble(Kind.TIMEOUT, text)))

    def _take(self, number: int) -> Deferred[Any]:
        pending = self._pending.pop(number)
        if pending.timer.active():
            pending.timer.cancel()
        self._waiting[pending.question.directory, pending.question.method == "prove"] -= 1
        return pending.outcome


class _Process(ProcessProtocol):
    def __init__(self, helper: Helper) -> None:
        self._helper = helper
        self._frames = Frames()
        self._killing: IDelayedCall | None = None
        self._said = b""
        self._unsent = bytearray()
        self._deaf = False
        """It has died, or is about to be found dead: its end will answer what was asked."""

    def spawn(self, reactor: IReactorProcess) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        arguments = [sys.executable, "-m", MODULE]
        reactor.spawnProcess(self, sys.executable, arguments, env=environment)

    @property
    def pid(self) -> int | None:
        return cast("int | None", _process(self).pid)

    def send(self, value: object, reactor: IReactorTime) -> None:
        """In one write with what else this turn of the reactor brings: a storm comes in bursts."""
        if not self._unsent:
            reactor.callLater(0, self._flush)
        self._unsent += frame(value)

    def _flush(self) -> None:
        data, self._unsent = bytes(self._unsent), bytearray()
        if data and not self._deaf:
            _process(self).writeToChild(0, data)

    def end(self, reactor: IReactorTime) -> None:
        process = _process(self)
        self._flush()
        process.closeStdin()
        kill: Callable[[], object] = lambda: process.signalProcess("KILL")  # noqa: E731
        self._killing = reactor.callLater(STOP_SECONDS, kill)

    def outReceived(self, data: bytes) -> None:
        for told in self._frames.feed(data):
            self._helper.agenda.add(partial(self._helper.received, told))

    def inConnectionLost(self) -> None:
        self._deaf = True

    def errReceived(self, data: bytes) -> None:
        """What Python writes when it cannot go on."""
        self._said = (self._said + data)[-2000:]

    def processEnded(self, reason: Failure) -> None:
        if self._killing is not None and self._killing.active():
            self._killing.cancel()
        self._deaf = True
        said = self._said.decode("utf-8", "replace").strip()
        why = "\n".join(filter(None, (reason.getErrorMessage(), said)))
        self._helper.agenda.add(partial(self._helper.ended, why))  # after what it has told


def _outcome(reply: Reply) -> str:
    """For the metrics: ``ok``, ``none``, why somebody is refused, or what is wrong."""
    match reply.failure:
        case None:
            return "none" if reply.value is None else "ok"
        case Refused():
            return reply.failure.verdict.value
        case Trouble():
            return reply.failure.kind.value
        case _:
            return "crash"


def _process(protocol: _Process) -> IProcessTransport:
    return cast(IProcessTransport, protocol.transport)

"""The template process and the processes it makes, as the parent sees them."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mailhub.net.listen import Listening
from mailhub.service.messages import Ended, Equip, Made, Order
from mailhub.service.packets import pair, receive, send

MODULE = "mailhub.service.template"
PATIENCE_SECONDS = 30.0


class TemplateGone(Exception):
    """It has ended; another one can be started."""


@dataclass(slots=True)
class Process:
    """One that is not our child: signals reach it or nobody."""

    pid: int
    descriptor: int
    """Of the process; -1 when it had ended before it was opened."""
    status: int | None = None
    """Once it has ended, if the template is there to tell."""

    @property
    def has_ended(self) -> bool:
        if self.descriptor < 0:
            return True
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        return bool(poll.poll(0))

    def send(self, signal_: signal.Signals) -> None:
        if self.descriptor >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.descriptor, signal_)

    def forget(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class Template:
    """Started early: what it has to load takes most of the time until the server is ready."""

    def __init__(self) -> None:
        self._channel, theirs = pair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-m", MODULE, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self._channel.settimeout(PATIENCE_SECONDS)
        self._made: dict[int, Process] = {}

    def fileno(self) -> int:
        return self._channel.fileno()

    def equip(self, data: Path, memory: int, listening: Sequence[Listening]) -> None:
        """What all workers are given.  Raises TemplateGone."""
        listeners = tuple(each.listener for each in listening)
        sockets = [each.socket.fileno() for each in listening]
        self._send(Equip(data, listeners), [memory, *sockets])

    def make(self, order: Order) -> tuple[Process, socket.socket]:
        """A worker, and our end of the channel to it.  Waits for it.  Raises TemplateGone."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._send(order, [theirs.fileno()])
        while True:
            message = self.receive()
            if isinstance(message, Made):
                return self._made[message.pid], ours

    def receive(self) -> object:
        """The next message, noted already.  Raises TemplateGone."""
        try:
            received = receive(self._channel)
        except OSError as problem:
            raise TemplateGone(str(problem)) from problem
        if received is None:
            raise TemplateGone
        message, _ = received
        match message:
            case Made():
                self._made[message.pid] = _process(message.pid)
            case Ended() if message.pid in self._made:
                self._made.pop(message.pid).status = message.status
        return message

    def end(self) -> None:
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def _send(self, message: object, descriptors: Sequence[int]) -> None:
        try:
            send(self._channel, message, descriptors)
        except OSError as problem:
            raise TemplateGone(str(problem)) from problem


def _process(pid: int) -> Process:
    try:
        return Process(pid, os.pidfd_open(pid))
    except ProcessLookupError:
        return Process(pid, -1)

"""The parent's end of the channel to a worker: questions out, answers and news in."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from mailhub.net.control import ControlError
from mailhub.net.frames import Frames, frame
from mailhub.service.messages import Answer, Ask


class WorkerGone(Exception):
    """It has ended without an answer."""


class WorkerLink(Protocol):
    """*told* gets what is no answer, *hung_up* is called at the end."""

    def __init__(self, told: Callable[[object], None], hung_up: Callable[[], None]) -> None:
        self._told = told
        self._hung_up = hung_up
        self._frames = Frames()
        self._asked: dict[int, Deferred[Any]] = {}
        self._number = 0

    def ask(self, command: str, arguments: Mapping[str, Any]) -> Deferred[Any]:
        """Raises ControlError, WorkerGone."""
        if self.transport is None:
            return fail(WorkerGone())
        number = self._number = self._number + 1
        answer: Deferred[Any] = Deferred(lambda _: self._give_up(number))
        self._asked[number] = answer
        self.transport.write(frame(Ask(number, command, arguments)))
        return answer

    def _give_up(self, number: int) -> None:
        self._asked.pop(number, None)

    def dataReceived(self, data: bytes) -> None:
        for message in self._frames.feed(data):
            if not isinstance(message, Answer):
                self._told(message)
                continue
            waiting = self._asked.pop(message.number, None)
            if waiting is None:
                continue  # it came too late
            if message.problem:
                waiting.errback(ControlError(message.problem))
            else:
                waiting.callback(message.value)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.transport = None
        asked, self._asked = self._asked, {}
        for waiting in asked.values():
            waiting.errback(WorkerGone())
        self._hung_up()


class _Once(Factory):
    """The one connection that there is already."""

    noisy = False

    def __init__(self, link: Protocol) -> None:
        self._link = link

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        return self._link


def adopt(reactor: Any, channel: socket.socket, link: Protocol) -> None:
    """Have *link* speak over *channel* from now on."""
    channel.setblocking(False)
    with channel:  # the reactor makes a descriptor of its own
        reactor.adoptStreamConnection(channel.fileno(), socket.AF_UNIX, _Once(link))

"""The control socket: how the command line talks to a running server.

A Unix socket, ``run/control`` in the data directory, mode 0600: who may read the mail may use
it.  One request and one answer, each one line of JSON, then the server closes::

    {"command": "sessions"}
    {"ok": true, "result": [{"id": "k3f1a", "protocol": "imap", "address": "192.0.2.7", ...}]}

    {"command": "dump", "id": "k3f1a"}
    {"ok": true, "result": "0.000 S: * OK ..."}

    {"command": "end", "id": "k3f1a"}         or  {"command": "end", "account": "<account id>"}
    {"ok": true, "result": 1}                 how many connections were closed

    {"command": "no such thing"}
    {"ok": false, "error": "unknown command"}

The service adds ``status`` and ``reload``.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import ServerFactory, connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from mailhub import log
from mailhub.model.mail import AccountId
from mailhub.net.table import ConnectionTable, Session

Request = Mapping[str, Any]
Handler = Callable[[Request], Awaitable[object]]
"""Answers a request with what JSON can say.  Raises ControlError."""

MAX_REQUEST = 64 * 1024
TIMEOUT_SECONDS = 30


class ControlError(Exception):
    """A request that cannot be answered; the text is a sentence for the person who asked."""


class ControlFactory(ServerFactory):
    noisy = False

    def __init__(self, reactor: IReactorTime, handlers: Mapping[str, Handler]) -> None:
        self.reactor = reactor
        self.handlers = handlers

    def buildProtocol(self, addr: IAddress | None) -> ControlProtocol:
        return ControlProtocol(self)


class ControlProtocol(LineOnlyReceiver):
    delimiter = b"\n"
    MAX_LENGTH = MAX_REQUEST

    def __init__(self, factory: ControlFactory) -> None:
        self._factory = factory
        self._asked = False
        self._connected = True
        self._silent = factory.reactor.callLater(TIMEOUT_SECONDS, self._give_up)

    def lineReceived(self, line: bytes) -> None:
        if self._asked:
            return
        self._asked = True
        self._silent.cancel()
        answering = Deferred.fromCoroutine(self._answer(line))
        answering.addErrback(self._failed).addCallback(self._send)

    def lineLengthExceeded(self, line: bytes) -> None:
        self._send({"ok": False, "error": "the request is too long"})

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._connected = False
        if self._silent.active():
            self._silent.cancel()

    async def _answer(self, line: bytes) -> dict[str, object]:
        try:
            request = json.loads(line)
            handler = self._factory.handlers[request["command"]]
        except (ValueError, TypeError):
            return {"ok": False, "error": "a request is an object of JSON on one line"}
        except KeyError:
            return {"ok": False, "error": "unknown command"}
        try:
            return {"ok": True, "result": await handler(request)}
        except ControlError as problem:
            return {"ok": False, "error": str(problem)}

    def _failed(self, reason: Failure) -> dict[str, object]:
        log.failure("error", reason, what="a request on the control socket failed")
        return {"ok": False, "error": "internal error, see the log"}

    def _send(self, answer: dict[str, object]) -> None:
        if self._connected and self.transport is not None:
            self.transport.write(json.dumps(answer, ensure_ascii=False).encode("utf-8") + b"\n")
            self.transport.loseConnection()

    def _give_up(self) -> None:
        self._send({"ok": False, "error": "no request came"})


def session_handlers(connections: ConnectionTable, reactor: IReactorTime) -> dict[str, Handler]:
    """``sessions``, ``dump`` and ``end`` over the connections of this process."""

    async def sessions(request: Request) -> object:
        return [_described(session, reactor.seconds()) for session in connections.sessions()]

    async def dump(request: Request) -> object:
        text = connections.dump(str(request.get("id")))
        if text is None:
            raise ControlError("there is no such session")
        return text

    async def end(request: Request) -> object:
        if "account" in request:
            ending = connections.of_account(AccountId(str(request["account"])))
        else:
            found = connections.find(str(request.get("id")))
            if found is None:
                raise ControlError("there is no such session")
            ending = [found]
        for connection in ending:
            connection.event("session.ended")
            connection.end("Closed by the administrator")
        return len(ending)

    return {"sessions": sessions, "dump": dump, "end": end}


def _described(session: Session, now: float) -> dict[str, object]:
    client = session.client
    return {
        "id": client.connection,
        "protocol": client.protocol,
        "address": client.address,
        "port": client.port,
        "account": session.account,
        "tls": client.tls,
        "seconds": round(now - session.since, 1),
        "idle": round(now - session.last_activity, 1),
    }

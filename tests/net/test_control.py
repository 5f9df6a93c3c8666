"""The control socket: requests, answers, and what malformed ones get."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.protocols.basic import LineOnlyReceiver

from mailhub.model.mail import AccountId
from mailhub.net.control import ControlError, ControlFactory, Request, session_handlers
from tests.events import Events
from tests.net.world import Socket, World


async def broken(request: Request) -> object:
    raise ZeroDivisionError


async def refusing(request: Request) -> object:
    raise ControlError("not now")


class Asker:
    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        connections, clock = self.world.host.connections, self.world.clock
        self.waiting: Deferred[object] = Deferred()

        async def slow(request: Request) -> object:
            return await self.waiting

        handlers = session_handlers(connections, clock)
        handlers |= {"broken": broken, "refusing": refusing, "slow": slow}
        self.factory = ControlFactory(clock, handlers)
        self.connect()

    def connect(self) -> None:
        self.protocol = self.factory.buildProtocol(None)
        self.transport = Socket("")
        Protocol.makeConnection(self.protocol, self.transport)

    def ask(self, **request: object) -> Any:
        self.connect()
        return self.send(json.dumps(request).encode() + b"\n")

    def send(self, data: bytes) -> Any:
        LineOnlyReceiver.dataReceived(self.protocol, data)
        return self.answer()

    def answer(self) -> Any:
        assert self.transport.disconnecting
        line = self.transport.value()
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        return json.loads(line)


@pytest.mark.parametrize("line", [b"", b"x", b"[]", b'"sessions"', b"1", b"\xff", b"{"])
def test_what_is_no_object_of_json_is_refused(line: bytes) -> None:
    assert Asker().send(line + b"\n")["ok"] is False


@pytest.mark.parametrize("request_", [{}, {"command": "fly"}, {"command": None}, {"command": []}])
def test_unknown_commands_are_refused(request_: dict[str, object]) -> None:
    assert Asker().ask(**request_)["ok"] is False


def test_an_endless_request_is_refused() -> None:
    assert Asker().send(b"x" * 100_000) == {"ok": False, "error": "the request is too long"}


def test_a_silent_asker_is_sent_away() -> None:
    asker = Asker()
    asker.world.clock.advance(30)

    assert asker.answer() == {"ok": False, "error": "no request came"}


def test_sessions_are_listed() -> None:
    asker = Asker(World(login_timeout=1000.0))
    story, _ = asker.world.connect()
    asker.world.host.connections.log_in(story.client.connection, AccountId("id1"), "a@example.org")
    asker.world.clock.advance(100)

    assert asker.ask(command="sessions") == {
        "ok": True,
        "result": [
            {
                "id": story.client.connection,
                "protocol": "test",
                "address": "192.0.2.1",
                "port": 4711,
                "account": "a@example.org",
                "tls": False,
                "seconds": 100.0,
                "idle": 100.0,
            }
        ],
    }


def test_a_dialogue_is_dumped() -> None:
    asker = Asker()
    story, _ = asker.world.connect()
    story.recorder.received("grüße".encode())

    assert asker.ask(command="dump", id=story.client.connection) == {
        "ok": True,
        "result": "0.000 C: grüße\n",
    }


def test_a_session_is_ended_by_id() -> None:
    asker = Asker()
    story, transport = asker.world.connect()

    assert asker.ask(command="end", id=story.client.connection) == {"ok": True, "result": 1}
    assert transport.disconnecting


def test_all_sessions_of_an_account_are_ended() -> None:
    asker = Asker()
    transports = []
    for account in ("id1", "id2", "id1"):
        story, transport = asker.world.connect()
        asker.world.host.connections.log_in(story.client.connection, AccountId(account), account)
        transports.append(transport)

    assert asker.ask(command="end", account="id1")["result"] == 2
    assert [t.disconnecting for t in transports] == [True, False, True]


@pytest.mark.parametrize("command", ["dump", "end"])
def test_a_session_that_is_not_there_is_said_to_be_so(command: str) -> None:
    assert Asker().ask(command=command, id="x")["error"] == "there is no such session"
    assert Asker().ask(command=command)["error"] == "there is no such session"


def test_what_a_handler_refuses_is_told() -> None:
    assert Asker().ask(command="refusing") == {"ok": False, "error": "not now"}


def test_a_broken_handler_is_logged_and_told_without_detail(events: Events) -> None:
    assert Asker().ask(command="broken")["error"] == "internal error, see the log"
    assert events["error"]["log_failure"].check(ZeroDivisionError)


def test_who_goes_away_before_the_answer_is_not_written_to() -> None:
    asker = Asker()
    LineOnlyReceiver.dataReceived(asker.protocol, b'{"command": "slow"}\n')
    asker.protocol.connectionLost()
    asker.waiting.callback("late")

    assert asker.transport.value() == b""
    assert asker.world.clock.getDelayedCalls() == []

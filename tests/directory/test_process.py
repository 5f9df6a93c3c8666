"""The helper process from the server's side: limits, ends, frames.  No process is started."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from mailhub.config.options import DirectoryConfig
from mailhub.directory.directory import Directory
from mailhub.directory.frames import Breaker, EventFrame, Measured, Question, Reply
from mailhub.directory.process import Helper
from mailhub.directory.troubles import Kind, Refused, Trouble, Verdict
from mailhub.interfaces import (
    BadCredentials,
    LogInDisabled,
    LogInForbidden,
    LogInUnavailable,
    NoSuchPerson,
    SecretExpired,
)
from mailhub.metrics import Metrics
from mailhub.model.directory import Person, PersonId
from mailhub.model.errors import Unavailable
from mailhub.model.steps import UNHEARD, Step, Steps
from mailhub.net.agenda import Agenda
from mailhub.net.frames import Frames, frame
from tests.events import Events

CONFIG = DirectoryConfig("corp", servers=("ldaps://x",), max_connections=1, max_waiting=2)
ALICE = Person("corp", PersonId("1"), "uid=alice", ("alice@example.org",))


class Pipe:
    """The process's other end."""

    pid = 4711

    def __init__(self) -> None:
        self.frames = Frames()
        self.asked: list[Question] = []
        self.given: list[Any] = []
        self.signals: list[str] = []
        self.closed = False

    def writeToChild(self, descriptor: int, data: bytes) -> None:
        for value in self.frames.feed(data):
            (self.asked if isinstance(value, Question) else self.given).append(value)

    def closeStdin(self) -> None:
        self.closed = True

    def signalProcess(self, signal: str) -> None:
        self.signals.append(signal)


class World(Clock):
    """A reactor that starts pretended processes."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[tuple[Any, Pipe]] = []

    def spawnProcess(self, protocol: Any, *arguments: object, **named: object) -> None:
        protocol.transport = Pipe()
        self.processes.append((protocol, protocol.transport))

    @property
    def pipe(self) -> Pipe:
        return self.processes[-1][1]

    def answer(self, value: Any = None, failure: Any = None, *steps: Step) -> None:
        """To the first question that has none."""
        self.advance(0)
        number = self.pipe.asked.pop(0).number
        self.tell(Reply(number, value, failure, steps, 0.25))

    def tell(self, value: object) -> None:
        self.processes[-1][0].outReceived(frame(value))
        self.advance(0)

    def die(self) -> None:
        self.processes[-1][0].processEnded(Failure(ProcessDone(0)))
        self.advance(0)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def helper(world: World, metrics: Metrics) -> Helper:
    return Helper(world, Agenda(world), [CONFIG], metrics)


@pytest.fixture
def directory(helper: Helper, world: World) -> Directory:
    return Directory(CONFIG, helper, world)


def prove(directory: Directory, steps: Any = UNHEARD) -> Deferred[Person]:
    return Deferred.fromCoroutine(directory.prove("alice", "secret", steps))


def failure(asked: Deferred[Any]) -> Exception:
    told: list[Failure] = []
    asked.addErrback(told.append)
    assert told, "nothing was answered"
    assert isinstance(told[0].value, Exception)
    return told[0].value


def test_a_person_and_the_steps_come_back(directory: Directory, world: World) -> None:
    steps = Steps()
    asked = prove(directory, steps)
    world.answer(ALICE, None, Step("search", {"entries": 1}))
    assert asked.result == ALICE
    assert steps.taken == [Step("search", {"entries": 1})]


def test_steps_that_nobody_wants_are_not_taken(directory: Directory, world: World) -> None:
    prove(directory)
    prove(directory, Steps())
    world.advance(0)
    assert [question.heard for question in world.pipe.asked] == [False, True]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Refused(Verdict.NOBODY, "no entry"), NoSuchPerson),
        (Refused(Verdict.WRONG, "wrong"), BadCredentials),
        (Refused(Verdict.DISABLED, "disabled"), LogInDisabled),
        (Refused(Verdict.EXPIRED, "expired"), SecretExpired),
        (Refused(Verdict.FORBIDDEN, "hours"), LogInForbidden),
        (Trouble(Kind.CONNECT, "down"), LogInUnavailable),
    ],
)
def test_each_answer_has_its_refusal(
    directory: Directory, world: World, answer: Exception, told: type[Exception]
) -> None:
    asked = prove(directory)
    world.answer(None, answer)
    refusal = failure(asked)
    assert type(refusal) is told
    assert str(answer) in str(refusal)


def test_a_crash_is_logged_and_says_nothing_about_a_person(
    directory: Directory, world: World, events: Events
) -> None:
    asked = prove(directory)
    world.answer(None, "Traceback: oops")
    assert isinstance(failure(asked), LogInUnavailable)
    assert "oops" in events["error"]["what"]


def test_an_empty_password_is_not_even_sent(directory: Directory, world: World) -> None:
    asked = Deferred.fromCoroutine(directory.prove("alice", "", UNHEARD))
    assert type(failure(asked)) is BadCredentials
    assert world.processes == []


def test_an_unknown_name_takes_as_long_as_a_bind(directory: Directory, world: World) -> None:
    prove(directory)
    world.answer(ALICE)
    world.tell(Measured("corp", "ldaps://x", "bind", "ok", 0.5))
    asked = prove(directory)
    world.answer(None, Refused(Verdict.NOBODY, "no entry"))
    world.advance(0.4)
    assert not asked.called
    world.advance(0.2)
    assert type(failure(asked)) is NoSuchPerson


def test_the_queue_is_bounded(directory: Directory, world: World) -> None:
    waiting = [prove(directory) for _ in range(3)]
    assert isinstance(failure(prove(directory)), LogInUnavailable)
    by_address = Deferred.fromCoroutine(directory.by_address("a@x", UNHEARD))
    assert not by_address.called  # deliveries have a queue of their own
    world.answer(ALICE)
    waiting.append(prove(directory))
    assert not waiting[-1].called


def test_a_helper_that_hangs_is_not_waited_for(directory: Directory, world: World) -> None:
    asked = prove(directory)
    world.advance(CONFIG.request_timeout + 2)
    assert isinstance(failure(asked), LogInUnavailable)
    world.answer(ALICE)  # too late, and nobody minds


def test_a_helper_that_dies_is_started_again(
    directory: Directory, world: World, events: Events
) -> None:
    asked = prove(directory)
    world.die()
    assert isinstance(failure(asked), LogInUnavailable)
    assert isinstance(failure(prove(directory)), LogInUnavailable)
    assert "directory.helper" in events.names()
    world.advance(2)
    assert len(world.processes) == 2
    again = prove(directory)
    world.answer(ALICE)
    assert again.called


def test_it_ends_with_the_server_or_is_killed(helper: Helper, world: World) -> None:
    helper.start()
    stopped = helper.stop()
    assert world.pipe.closed
    world.advance(3)
    assert world.pipe.signals == ["KILL"]
    world.die()
    assert stopped.called
    assert len(world.processes) == 1
    with pytest.raises(Trouble, match="shutting down"):
        helper.ask(CONFIG, "prove", 1, UNHEARD)


def test_a_client_that_has_gone_is_no_trouble(directory: Directory, world: World) -> None:
    asked = prove(directory)
    asked.addErrback(lambda _: None)
    asked.cancel()
    world.answer(ALICE)
    done: list[Person] = []
    prove(directory).addCallback(done.append)
    world.answer(ALICE)
    assert done == [ALICE]


def test_an_outage_is_told_once_a_minute(
    directory: Directory, world: World, events: Events
) -> None:
    for _ in range(3):
        asked = Deferred.fromCoroutine(directory.by_address("a@x", UNHEARD))
        world.answer(None, Trouble(Kind.CONNECT, "down"))
        assert isinstance(failure(asked), Unavailable)
    assert events.names().count("directory.unavailable") == 1


def test_what_the_helper_sees_is_logged_and_counted(
    helper: Helper, world: World, metrics: Metrics, events: Events
) -> None:
    helper.start()
    fields = {"directory": "corp", "server": "ldaps://x", "reason": "refused"}
    world.tell(EventFrame("directory.server_down", "error", fields))
    world.tell(Breaker("corp", "ldaps://x", is_open=True))
    world.tell(Measured("corp", "ldaps://x", "search", "ok", 0.002))
    assert events["directory.server_down"]["server"] == "ldaps://x"
    told = metrics.render().decode()
    assert 'directory_server_down{directory="corp",server="ldaps://x"} 1.0' in told
    assert 'operation="search",outcome="ok",server="ldaps://x"} 1.0' in told


def test_questions_are_counted_by_what_came_of_them(
    directory: Directory, world: World, metrics: Metrics
) -> None:
    for value, refusal in (
        (ALICE, None),
        (None, Refused(Verdict.WRONG, "")),
        (None, Trouble(Kind.TIMEOUT, "")),
    ):
        prove(directory).addErrback(lambda _: None)
        world.answer(value, refusal)
    Deferred.fromCoroutine(directory.by_login("x", UNHEARD))
    world.answer(None)
    told = metrics.render().decode()
    for outcome, question in (
        ("ok", "prove"),
        ("wrong", "prove"),
        ("timeout", "prove"),
        ("none", "by_login"),
    ):
        assert f'directory="corp",outcome="{outcome}",question="{question}"}} 1.0' in told


@pytest.mark.parametrize(
    ("domains", "domain", "serves"),
    [
        ((), "any.org", True),
        (("example.org",), "example.org", True),
        (("Example.org",), "EXAMPLE.ORG", True),
        (("example.org",), "example.com", False),
        (("example.org",), "", True),
    ],
)
def test_whose_people_are_in_it(
    helper: Helper, world: World, domains: tuple[str, ...], domain: str, serves: bool
) -> None:
    config = DirectoryConfig("corp", domains=domains)
    assert Directory(config, helper, world).serves(domain) is serves


@given(st.lists(st.binary(max_size=300)), st.data())
def test_frames_come_out_whole_however_they_are_cut(values: list[bytes], data: Any) -> None:
    stream = b"".join(map(frame, values))
    frames, got = Frames(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        got += list(frames.feed(stream[:size]))
        stream = stream[size:]
    assert got == values

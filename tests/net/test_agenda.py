"""The agenda: in order, 3 ms in a turn, and nobody's fault is another's."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from twisted.internet.defer import CancelledError

from mailhub.net.agenda import Agenda
from tests.events import Events


class Reactor:
    """What is wanted in one turn is done in the next."""

    def __init__(self) -> None:
        self.now = 0.0
        self.wanted: list[Callable[[], object]] = []

    def seconds(self) -> float:
        return self.now

    def callLater(self, seconds: float, fn: Callable[[], object]) -> None:
        assert seconds == 0
        self.wanted.append(fn)

    def callFromThread(self, fn: Callable[[], object]) -> None:
        self.wanted.append(fn)

    def turn(self) -> None:
        wanted, self.wanted = self.wanted, []
        for call in wanted:
            call()


@pytest.fixture
def reactor() -> Reactor:
    return Reactor()


@pytest.fixture
def agenda(reactor: Reactor) -> Agenda:
    return Agenda(reactor)


def test_what_is_due_is_done_in_order_a_slice_in_a_turn(reactor: Reactor, agenda: Agenda) -> None:
    done: list[int] = []

    def one_millisecond(number: int) -> None:
        reactor.now += 0.001
        done.append(number)

    for number in range(5):
        agenda.add(lambda number=number: one_millisecond(number))  # type: ignore[misc]
    assert done == []
    told = []
    for _ in range(3):
        reactor.turn()
        told.append(list(done))

    assert told == [[0, 1], [0, 1, 2, 3], [0, 1, 2, 3, 4]]
    assert reactor.wanted == []


def test_what_is_added_meanwhile_waits_for_the_next_turn(reactor: Reactor, agenda: Agenda) -> None:
    done: list[str] = []

    def again() -> None:
        done.append("again")
        agenda.add(again)

    agenda.add(again)
    reactor.turn()
    assert done == ["again"]
    reactor.turn()
    assert done == ["again", "again"]


def test_threads_wake_the_reactor_once_for_all_that_have_gathered(
    reactor: Reactor, agenda: Agenda
) -> None:
    done: list[int] = []
    threads = [
        threading.Thread(target=agenda.add_from_thread, args=(lambda n=n: done.append(n),))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(reactor.wanted) <= 20
    reactor.turn()
    assert sorted(done) == list(range(20))

    agenda.add_from_thread(lambda: done.append(20))
    agenda.add_from_thread(lambda: done.append(21))
    assert len(reactor.wanted) == 1
    reactor.turn()
    assert done[20:] == [20, 21]


def test_a_call_that_fails_is_logged_and_the_next_is_done(
    reactor: Reactor, agenda: Agenda, events: Events
) -> None:
    done: list[str] = []
    agenda.add(lambda: 1 // 0)
    agenda.add(lambda: done.append("next"))
    reactor.turn()

    assert done == ["next"]
    assert "ZeroDivisionError" in str(events["error"])


def test_a_turn_may_be_cancelled(reactor: Reactor, agenda: Agenda) -> None:
    outcomes: list[object] = []
    for waiting in (agenda.turn(), agenda.turn()):
        waiting.addBoth(outcomes.append)
        if not outcomes:
            waiting.cancel()
    reactor.turn()

    cancelled, fired = outcomes
    assert cancelled.check(CancelledError)  # type: ignore[attr-defined]
    assert fired is None

"""The hashing threads: a bounded queue, and results in the reactor."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from zope.interface import implementer

from mailhub.auth import hashing
from mailhub.auth.hashing import HashingThreads
from mailhub.interfaces import LogInUnavailable
from mailhub.net.agenda import Agenda


@implementer(IReactorFromThreads)
class Reactor(Clock):
    """Keeps what threads want called; the test calls it."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: list[Callable[[], object]] = []

    def callFromThread(
        self, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> None:
        self.wanted.append(lambda: callable(*args, **kwargs))

    def turn(self) -> None:
        wanted, self.wanted = self.wanted, []
        for call in wanted:
            call()
        self.advance(0)


def outcomes_of(*deferreds: Deferred[object]) -> list[object]:
    outcomes: list[object] = []
    for deferred in deferreds:
        deferred.addErrback(lambda failure: failure.type)
        deferred.addCallback(outcomes.append)
    return outcomes


def test_results_and_errors_come_back_in_the_reactor() -> None:
    reactor = Reactor()
    threads = HashingThreads(Agenda(reactor))
    threads.start()
    outcomes = outcomes_of(threads.run(lambda: 42), threads.run(lambda: 1 // 0))
    threads.stop()  # waits for both
    assert outcomes == []
    reactor.turn()

    assert sorted(map(str, outcomes)) == ["42", str(ZeroDivisionError)]


def test_the_queue_is_bounded_and_cancelling_frees_no_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hashing, "MAX_WAITING", 2)
    reactor = Reactor()
    threads = HashingThreads(Agenda(reactor))
    jobs: list[Deferred[object]] = [threads.run(lambda: None) for _ in range(2)]
    outcomes = outcomes_of(*jobs)
    for job in jobs:
        job.cancel()
    assert outcomes == [CancelledError, CancelledError]
    with pytest.raises(LogInUnavailable):
        threads.run(lambda: None)

    threads.start()
    threads.stop()
    reactor.turn()
    threads.run(lambda: None)

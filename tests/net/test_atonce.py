"""at_once: the result is that of the coroutine, whenever it comes."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.python.failure import Failure

from mailhub.net.atonce import at_once


def outcome_of(waiting: Deferred[object]) -> list[object]:
    """Holds the result, or the exception, as soon as there is one."""
    found: list[object] = []

    def raised(reason: Failure) -> None:
        found.append(type(reason.value))

    waiting.addCallbacks(found.append, raised)
    return found


async def sum_of(*parts: Deferred[int]) -> object:
    return sum([await part for part in parts])


async def divide(part: Deferred[int]) -> object:
    return 1 / await part


def test_nothing_to_wait_for() -> None:
    assert outcome_of(at_once(sum_of(succeed(1), succeed(2)))) == [3]


def test_it_waits_as_often_as_it_must() -> None:
    parts: list[Deferred[int]] = [Deferred(), succeed(2), Deferred()]
    outcome = outcome_of(at_once(sum_of(*parts)))
    parts[0].callback(1)
    assert outcome == []
    parts[2].callback(3)

    assert outcome == [6]


def test_an_exception_is_a_failure_before_and_after_a_wait() -> None:
    late: Deferred[int] = Deferred()
    waiting = outcome_of(at_once(divide(late)))
    late.callback(0)

    assert waiting == outcome_of(at_once(divide(succeed(0)))) == [ZeroDivisionError]


def test_what_it_waits_for_may_fail_inside_it() -> None:
    async def patient(part: Deferred[int]) -> object:
        try:
            return await part
        except ZeroDivisionError:
            return await succeed("none")

    late: Deferred[int] = Deferred()
    waiting = outcome_of(at_once(patient(late)))
    late.errback(ZeroDivisionError())

    assert waiting == ["none"]


def test_who_cancels_it_cancels_what_it_waits_for() -> None:
    late: Deferred[int] = Deferred()
    running = at_once(sum_of(late))
    waiting = outcome_of(running)
    running.cancel()

    assert waiting == [CancelledError]
    assert late.called

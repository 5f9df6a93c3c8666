"""Deferreds of coroutines that mostly have nothing to wait for."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail, succeed

T = TypeVar("T")


def at_once(coroutine: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
    """As ``Deferred.fromCoroutine``, at a quarter of the cost if *coroutine* does not wait."""
    try:
        awaited = coroutine.send(None)
    except StopIteration as end:
        return succeed(end.value)
    except Exception:
        return fail()
    return Deferred.fromCoroutine(_rest(coroutine, awaited))


def _rest(
    coroutine: Coroutine[Deferred[Any], Any, T], awaited: Deferred[Any]
) -> Generator[Deferred[Any], Any, T]:
    """What follows when *coroutine* waits for *awaited*."""
    while True:
        resume: Callable[[Any], Deferred[Any]] = coroutine.send
        try:
            value = yield awaited
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as raised:  # handed to the coroutine, whatever it is
            value, resume = raised, coroutine.throw
        try:
            awaited = resume(value)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

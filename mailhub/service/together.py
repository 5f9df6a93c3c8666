"""Running coroutines before the reactor does.

What a server does at its start is over before the reactor runs, so that it either serves or says
in one line why not.  Nothing there really waits: the store works in place, and binding a socket
is immediate.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


def at_once(coroutine: Coroutine[Deferred[Any], Any, T]) -> T:
    """The result of a coroutine that never waits."""
    outcome: list[T | Failure] = []
    Deferred.fromCoroutine(coroutine).addBoth(outcome.append)
    if not outcome:
        raise RuntimeError("waits for the reactor, which does not run yet")
    result = outcome[0]
    if isinstance(result, Failure):
        result.raiseException()
    return result

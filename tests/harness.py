"""What tests of several parts share: driving coroutines, making messages.

There is no reactor in the test process.  Code under test is given doubles for whatever would
need one, so a coroutine either completes at once (:func:`run`) or waits for something that the
test itself lets happen (:func:`start`).
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


class Running(Generic[T]):
    """A started coroutine; ``done`` says whether it has ended, ``result`` how."""

    def __init__(self, coroutine: Coroutine[Deferred[Any], Any, T]) -> None:
        self._outcome: list[T | Failure] = []
        self.deferred = Deferred.fromCoroutine(coroutine)
        self.deferred.addBoth(self._outcome.append)

    @property
    def done(self) -> bool:
        return bool(self._outcome)

    @property
    def result(self) -> T:
        """What it returned; what it raised is raised.  AssertionError while it is running."""
        assert self._outcome, "the coroutine is still waiting for something"
        outcome = self._outcome[0]
        if isinstance(outcome, Failure):
            outcome.raiseException()
        return outcome


def start(coroutine: Coroutine[Deferred[Any], Any, T]) -> Running[T]:
    """Run *coroutine* up to its first wait."""
    return Running(coroutine)


def run(coroutine: Coroutine[Deferred[Any], Any, T]) -> T:
    """The result of a coroutine that completes without waiting."""
    return Running(coroutine).result


def message(
    subject: str = "Hello",
    body: str = "Hello there.\r\n",
    *,
    sender: str = "Ann Example <ann@example.com>",
    to: str = "alice@example.org",
    date: str = "Mon, 7 Feb 2022 21:52:25 -0800",
    message_id: str = "1@example.com",
    extra: str = "",
) -> bytes:
    """A small well-formed message; *extra* is whole header lines."""
    return (
        f"Date: {date}\r\nFrom: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n"
        f"Message-ID: <{message_id}>\r\n{extra}\r\n{body}"
    ).encode()

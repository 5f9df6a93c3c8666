"""The guard against lost errors guards."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, fail

from tests.lost import no_lost_errors


@pytest.fixture(autouse=True)
def _nothing_is_lost() -> None:
    """These tests lose errors on purpose; they take the place of the guard of all others."""


def lose(text: str) -> None:
    fail(ValueError(text))


def lose_in_a_cycle(text: str) -> None:
    waiting: Deferred[None] = Deferred()
    waiting.itself = waiting  # type: ignore[attr-defined]
    waiting.errback(ValueError(text))


def test_a_failed_deferred_that_is_forgotten_is_found() -> None:
    with pytest.raises(AssertionError, match="who cares"), no_lost_errors():
        lose("who cares")


def test_one_in_a_cycle_is_found_as_well() -> None:
    with pytest.raises(AssertionError, match="in a cycle"), no_lost_errors():
        lose_in_a_cycle("in a cycle")


def test_a_failure_that_is_handled_is_not_lost() -> None:
    with no_lost_errors():
        fail(ValueError()).addErrback(lambda failure: None)

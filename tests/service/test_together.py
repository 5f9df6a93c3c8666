"""Coroutines before the reactor."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, succeed

from mailhub.service.together import at_once


async def given(waiting: Deferred[int]) -> int:
    return await waiting


def test_the_result_comes_back() -> None:
    assert at_once(given(succeed(5))) == 5


def test_what_is_raised_is_raised() -> None:
    async def refuse() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        at_once(refuse())


def test_one_that_waits_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="waits for the reactor"):
        at_once(given(Deferred()))

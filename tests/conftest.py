"""Fixtures for tests of every part."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import hypothesis
import pytest
from twisted.logger import globalLogPublisher

from mailhub.log import hear_from
from tests.events import Events
from tests.lost import no_lost_errors

# That a machine is busy is no failure.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_collection_finish() -> None:
    """What is there now stays: looking for garbage after each test then takes a millisecond."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _nothing_is_lost() -> Iterator[None]:
    with no_lost_errors():
        yield


@pytest.fixture
def events() -> Iterator[Events]:
    """The log entries written during the test, whatever level a server in a test before wanted."""
    hear_from("debug")
    entries = Events()
    globalLogPublisher.addObserver(entries)
    yield entries
    globalLogPublisher.removeObserver(entries)

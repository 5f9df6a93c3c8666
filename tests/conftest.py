"""Fixtures for tests of every part."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.logger import globalLogPublisher

from tests.events import Events


@pytest.fixture
def events() -> Iterator[Events]:
    """The log entries written during the test."""
    entries = Events()
    globalLogPublisher.addObserver(entries.append)
    yield entries
    globalLogPublisher.removeObserver(entries.append)

"""Errors that nobody would see: Deferreds that failed and were forgotten.

Twisted logs them, at level critical, when they are collected.  A test that loses one fails.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twisted.logger import ILogObserver, LogLevel, formatEvent, globalLogPublisher
from zope.interface import implementer


@implementer(ILogObserver)
class Lost:
    """The errors that Twisted reports because nobody else will."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def __call__(self, entry: dict[str, Any]) -> None:
        if entry.get("log_level") is LogLevel.critical:
            failure = entry.get("log_failure")
            self.errors.append(formatEvent(entry) + (failure.getTraceback() if failure else ""))


@contextmanager
def no_lost_errors() -> Iterator[None]:
    """Raises AssertionError at the end when an error was lost meanwhile."""
    lost = Lost()
    globalLogPublisher.addObserver(lost)
    try:
        yield
        gc.collect()
    finally:
        globalLogPublisher.removeObserver(lost)
    assert not lost.errors, "errors were lost:\n" + "\n".join(lost.errors)

"""Errors that nobody would see: Deferreds that failed and were forgotten.

Twisted logs them, at level critical, when they are collected.  A test that loses one fails.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twisted.logger import LogLevel, formatEvent, globalLogPublisher


@contextmanager
def no_lost_errors() -> Iterator[None]:
    """Raises AssertionError at the end when an error was lost meanwhile."""
    lost: list[str] = []

    def observe(entry: dict[str, Any]) -> None:
        if entry.get("log_level") is LogLevel.critical:
            failure = entry.get("log_failure")
            lost.append(formatEvent(entry) + (failure.getTraceback() if failure else ""))

    globalLogPublisher.addObserver(observe)
    try:
        yield
        gc.collect()
    finally:
        globalLogPublisher.removeObserver(observe)
    assert not lost, "errors were lost:\n" + "\n".join(lost)

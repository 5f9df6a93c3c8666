"""Where events go, as ``[log]`` says, of every process of a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twisted.logger import ILogObserver, LogLevel
from zope.interface import provider

from mailhub.config.options import LogConfig
from mailhub.log import LogFile, StandardError, hear_from, make_observer


@dataclass(frozen=True, slots=True)
class Log:
    observer: ILogObserver
    reopen: Callable[[], None]
    """Opens the log file again, after it was rotated away.  Raises OSError."""


def open_log(config: LogConfig) -> Log:
    """Raises OSError.  Once in a process, for all its events."""
    hear_from(config.level)
    output = LogFile(config.file) if config.file is not None else StandardError()
    write = make_observer(output, config.format, config.level)

    @provider(ILogObserver)
    def observer(entry: dict[str, Any]) -> None:
        if config.level == "debug" or not _is_chatter(entry):
            write(entry)

    return Log(observer, output.reopen)


def _is_chatter(entry: Mapping[str, Any]) -> bool:
    """Twisted's own "Port starting", "Starting reactor"; our events say what matters of it."""
    return "event" not in entry and entry.get("log_level") in (LogLevel.info, LogLevel.debug)

"""``twist mailhub``: its options, and what it says when it cannot start.

twist asks this module for ``Options`` and ``makeService`` (see twisted/plugins/mailhub_plugin.py).
The reactor is imported here and nowhere else: twist has chosen it by now.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from twisted.application.service import IService
from twisted.logger import LogLevel
from twisted.python import usage

from mailhub.config.load import embedded_config, load
from mailhub.config.options import Config, LogConfig
from mailhub.config.problems import ConfigError
from mailhub.log import LogFile, StandardError, make_observer
from mailhub.service.failures import EX_CONFIG, CannotStart

HIGHEST_OFFSET = 60_000


class Options(usage.Options):
    """What may be written after ``twist mailhub``."""

    synopsis = "[--config FILE | --data-dir DIR [--port-offset N]]"
    longdesc = """\
A mailbox server: IMAP4, POP3 and LMTP over one SQLite store.

Without options it serves an example on loopback, in the folder ./var: domain example.org with
the accounts alice and bob, their passwords printed at the first start, sample mail for alice,
IMAP on port 1143 (STARTTLS) and 1993 (TLS), POP3 on 1110 (STLS) and 1995 (TLS), LMTP on 1024,
metrics on 1080.  With --config it serves what the file says; "mailhub check FILE" tells
beforehand what is wrong with it.  SIGHUP reads file and certificates again.
"""
    optParameters = [  # noqa: N815 - Twisted's name
        ["config", "c", None, "Configuration file; etc/mailhub.toml shows every option."],
        ["data-dir", "d", None, "Folder of the example's data.  [default: var]"],
        ["port-offset", None, 0, "Added to the example's ports.", int],
    ]

    def postOptions(self) -> None:
        if self["config"] is not None and (self["data-dir"] or self["port-offset"]):
            raise usage.UsageError("--config names the data directory and ports itself")
        if not 0 <= self["port-offset"] <= HIGHEST_OFFSET:
            raise usage.UsageError(f"--port-offset is a number from 0 to {HIGHEST_OFFSET}")

    def read_config(self) -> Config:
        """Raises ConfigError."""
        if self["config"] is not None:
            return load(Path(self["config"]).absolute())
        return embedded_config(Path(self["data-dir"] or "var").absolute(), self["port-offset"])


def makeService(options: Options) -> IService:
    """The service that twist is to run.  Ends the process if the configuration is bad."""
    from twisted.internet import reactor  # noqa: TID251 - twist has installed it by now

    from mailhub.service.server import Server

    class CommandLineServer(Server):
        def startService(self) -> None:
            try:
                super().startService()
            except CannotStart as problem:
                leave(str(problem), problem.status)

    try:
        config = options.read_config()
    except ConfigError as error:
        leave(str(error), EX_CONFIG)
    reopen_log = log_through(options.parent, config.log)
    return CommandLineServer(reactor, config, options.read_config, reopen_log)


def leave(text: str, status: int) -> NoReturn:
    """End the process with lines for the person who started it."""
    for line in text.splitlines():
        print(f"mailhub: {line}", file=sys.stderr)
    raise SystemExit(status)


def log_through(twist_options: Any, config: LogConfig) -> Callable[[], None]:
    """Have twist write events as ``[log]`` says; returns how to open the log file again."""
    try:
        output = LogFile(config.file) if config.file is not None else StandardError()
    except OSError as error:
        leave(f"{config.file}: {error.strerror}", EX_CONFIG)
    write = make_observer(output, config.format, config.level)

    def observer(entry: dict[str, Any]) -> None:
        if config.level == "debug" or not _is_chatter(entry):
            write(entry)

    twist_options["fileLogObserverFactory"] = lambda stream: observer
    twist_options["logLevel"] = LogLevel.debug  # the observer knows which ones to leave out
    return partial(output.reopen)


def _is_chatter(entry: Mapping[str, Any]) -> bool:
    """Twisted's own "Port starting", "Starting reactor"; our events say what matters of it."""
    return "event" not in entry and entry.get("log_level") in (LogLevel.info, LogLevel.debug)

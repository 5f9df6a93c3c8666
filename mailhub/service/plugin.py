"""``twist mailhub``: its options, and what it says when it cannot start.

twist asks this module for ``Options`` and ``makeService`` (see twisted/plugins/mailhub_plugin.py).
The reactor is imported here and nowhere else: twist has chosen it by now.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from twisted.application.service import IService, Service
from twisted.logger import LogLevel
from twisted.python import usage

from mailhub.config.cores import missing, processors, workers
from mailhub.config.load import embedded_config, load
from mailhub.config.options import Config, LogConfig
from mailhub.config.problems import ConfigError
from mailhub.service.failures import EX_CONFIG, EX_UNAVAILABLE, CannotStart
from mailhub.service.logs import open_log
from mailhub.service.processes import Template

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

    # There will probably be several workers, and what they need takes long to load.
    template = Template() if options["config"] is not None and processors() > 1 else None
    try:
        config = options.read_config()
    except ConfigError as error:
        leave(str(error), EX_CONFIG)
    reopen_log = log_through(options.parent, config.log)
    return FromCommandLine(server(reactor, config, options, reopen_log, template))


def server(
    reactor: Any,
    config: Config,
    options: Options,
    reopen_log: Callable[[], None],
    template: Template | None,
) -> Service:
    """The one process, or the parent of several; what the other kind needs is not loaded."""
    number = workers(config)
    if number == 1:
        if template is not None:
            template.end()
        from mailhub.service.server import Server

        return Server(reactor, config, options.read_config, reopen_log)
    if lacking := missing():
        leave(f"workers = {number} is not possible here: the system lacks {lacking}", EX_CONFIG)
    from mailhub.service.supervisor import Supervisor

    template = template or Template()

    def fatal(text: str) -> None:
        # Twisted ends with 0 whatever happens; nobody would start us again.
        reactor.addSystemEventTrigger("after", "shutdown", end_with, text, EX_UNAVAILABLE)
        reactor.stop()

    read = options.read_config
    return Supervisor(reactor, config, number, template, read, reopen_log, fatal)


class FromCommandLine(Service):
    """A server for a person who waits for it to start."""

    def __init__(self, server: Service) -> None:
        self._server = server

    def startService(self) -> None:
        try:
            self._server.startService()
        except CannotStart as problem:
            leave(str(problem), problem.status)

    def stopService(self) -> Any:
        return self._server.stopService()


def leave(text: str, status: int) -> NoReturn:
    """End the process with lines for the person who started it."""
    for line in text.splitlines():
        print(f"mailhub: {line}", file=sys.stderr)
    raise SystemExit(status)


def end_with(text: str, status: int) -> None:
    """End the process when the reactor has stopped already."""
    print(f"mailhub: {text}", file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(status)


def log_through(twist_options: Any, config: LogConfig) -> Callable[[], None]:
    """Have twist write events as ``[log]`` says; returns how to open the log file again."""
    try:
        opened = open_log(config)
    except OSError as error:
        leave(f"{config.file}: {error.strerror}", EX_CONFIG)
    twist_options["fileLogObserverFactory"] = lambda stream: opened.observer
    twist_options["logLevel"] = LogLevel.debug  # the observer knows which ones to leave out
    return opened.reopen

"""Everything that keeps mail: data directory, hub, bell, locks, store, and their threads.

The same parts are put together for a running server (threads) and for the first start of the
embedded set-up, which is over before the reactor runs (everything in place).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred, execute
from twisted.internet.interfaces import IReactorTime
from twisted.logger import globalLogPublisher

from mailhub.auth.verifiers import make_verifiers
from mailhub.config.options import Config
from mailhub.metrics import Metrics
from mailhub.model.errors import Refusal, Unavailable
from mailhub.net.host import Host
from mailhub.net.stale import StalePasswords
from mailhub.rules import Rules
from mailhub.service.together import at_once
from mailhub.store.hub.bell import Bell
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.hub import Hub
from mailhub.store.hub.maildrop import MaildropLocks
from mailhub.store.hub.refusals import RefusalObserver, Refusals
from mailhub.store.hub.staleclients import StaleClients
from mailhub.store.runner import InlineRunner, Runner, ThreadRunner
from mailhub.store.sqlite.store import SqliteStore

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts that hold files open."""

    data: DataDir
    runner: Runner
    hub: Hub
    bell: Bell
    locks: MaildropLocks
    store: SqliteStore

    async def not_ready(self) -> str | None:
        """Why new mail could not be stored right now; None: it could."""
        try:
            self.store.stage().discard()  # is there space?
            await self.runner.run(self._write_somewhere)
        except Refusal as refusal:
            return str(refusal)
        return None

    def _write_somewhere(self) -> None:
        path = self.data.spool / f"probe-{os.getpid()}"
        try:
            _write_durably(path)
        except OSError as error:
            raise Unavailable(f"cannot write {path}: {error.strerror}") from error
        with self.hub.file.write(durable=False):
            pass

    async def close(self) -> None:
        await self.store.stop()
        await self.hub.stop()
        self.bell.stop()
        self.locks.close()


def open_engine(
    config: Config, data: DataDir, runner: Runner, metrics: Metrics | None = None
) -> Engine:
    """*runner* works in place as yet.  Raises Refusal (Damaged, Unavailable)."""
    metrics = metrics or Metrics()
    hub = Hub(
        data,
        runner,
        make_verifiers=make_verifiers,
        delivery=config.delivery,
        lmtp=config.lmtp,
        auth=config.auth,
        quota=config.quota,
        rules=Rules(config.policies),
    )
    bell = Bell.open(data.bell)
    locks = MaildropLocks.open(data.pop3_lock)
    store = SqliteStore(
        data,
        hub,
        runner,
        bell=bell,
        locks=locks,
        config=config.store,
        uidl_format=config.pop3.uidl_format,
        max_connections=config.limits.max_connections,
        measured=metrics.commit,
    )
    at_once(store.start())
    return Engine(data, runner, hub, bell, locks, store)


def open_inline(config: Config, data: DataDir) -> Engine:
    """An engine whose coroutines complete at once."""
    return open_engine(config, data, InlineRunner())


class ServerRunner(ThreadRunner):
    """Threads once they are started; until then, before the reactor runs, reads are in place."""

    _started = False

    def start(self) -> None:
        super().start()
        self._started = True

    def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        if not self._started:
            return execute(fn, *args, **kwargs)
        return super().run(fn, *args, **kwargs)


class RunningEngine:
    """An engine with its threads and timers."""

    def __init__(self, reactor: IReactorTime, config: Config, data: DataDir, host: Host) -> None:
        self._reactor = reactor
        self.threads = ServerRunner(
            reactor,
            host.agenda,
            readers=config.store.reader_threads,
            writers=config.store.writer_threads,
        )
        self.parts = open_engine(config, data, self.threads, host.metrics)
        self._refusals = _open_refusals(data)
        self._observer = RefusalObserver(self._refusals, host.metrics.refusal)
        self._stale_clients = StaleClients(data)
        self.stale = StalePasswords(self._stale_clients, time.time, host.shared)

    def start(self) -> None:
        globalLogPublisher.addObserver(self._observer)
        self.threads.start()
        self.parts.bell.start(self._reactor)
        self.parts.hub.start(self._reactor)

    async def stop(self) -> None:
        await self.parts.close()
        self.threads.stop()
        globalLogPublisher.removeObserver(self._observer)
        self._refusals.close()
        self._stale_clients.close()


def _open_refusals(data: DataDir) -> Refusals:
    try:
        return Refusals(data)
    except OSError as error:
        raise Unavailable(f"{error.filename or data.run}: {error.strerror}") from error


def _write_durably(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, b"probe")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)

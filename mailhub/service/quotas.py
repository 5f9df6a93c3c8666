"""What works for quotas in the background: the auditor, warnings, and figures of domains."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from mailhub import log
from mailhub.config.options import Config
from mailhub.model.mail import AccountId, Usage
from mailhub.net.host import Host
from mailhub.net.output import delay
from mailhub.rules import Rules
from mailhub.service.engine import Engine
from mailhub.store.audit import Auditor
from mailhub.store.hub import quota
from mailhub.store.hub.database import Tx
from mailhub.warnings.tasks import Tasks
from mailhub.warnings.watch import Watch

FIGURES_SECONDS = 15.0
CHANGES_SECONDS = 2.0
MOST_DOMAINS = 250
"""With figures of their own; those behind them, by name, are one."""


class Quotas:
    """Started and stopped with the server."""

    def __init__(self, config: Config, engine: Engine, host: Host) -> None:
        self._hub = engine.hub
        self._metrics = host.metrics
        self._watch = Watch(engine.hub, engine.store, config.quota, time.time)
        self._tasks = Tasks(
            host.reactor, engine.hub, engine.store, config.quota, host.hostname, time.time
        )
        self._auditor = Auditor(
            engine.hub,
            engine.data,
            engine.runner,
            lambda seconds: delay(host.reactor, seconds),
            host.metrics.quota_drift,
            self._watch.look,
            time.time,
        )
        self._auditor.interval = config.quota.audit_interval
        self._figures = LoopingCall(self._tell_figures)
        self._changes = LoopingCall(self._look_at_changes)
        self._told: set[str] = set()
        """Domains that there are figures of."""

    def use(self, config: Config) -> None:
        """From now on."""
        self._hub.quotas.use(config.quota, Rules(config.policies))
        self._watch.config = self._tasks.config = config.quota
        self._auditor.interval = config.quota.audit_interval
        self._doubt_all()

    def start(self, reactor: IReactorTime) -> None:
        self._hub.on_recorded = self._recorded
        self._tasks.start(reactor)
        self._auditor.start()
        self._figures.clock = reactor
        self._figures.start(FIGURES_SECONDS)
        self._changes.clock = reactor
        self._changes.start(CHANGES_SECONDS, now=False)
        self._doubt_all()

    def stop(self) -> None:
        self._hub.on_recorded = lambda usages: None
        self._auditor.stop()
        self._tasks.stop()
        self._figures.stop()
        self._changes.stop()

    def _recorded(self, usages: Mapping[AccountId, Usage]) -> None:
        if usages:
            self._tell_figures()
            _warned(self._watch.look(usages))

    def _doubt_all(self) -> None:
        _warned(self._watch.doubt_all())

    def _look_at_changes(self) -> Deferred[None]:
        return _warned(self._watch.look_at_changes())

    def _tell_figures(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._read_figures()).addErrback(
            lambda failure: log.failure("error", failure, what="figures of domains")
        )

    async def _read_figures(self) -> None:
        found = await self._hub.read(_domains)
        single, rest = found[:MOST_DOMAINS], found[MOST_DOMAINS:]
        names = {name for name, *_ in single}
        for gone in self._told - names:
            self._metrics.no_domain(gone)
        self._told = names
        if rest:
            _, octets, messages, accounts = zip(*rest, strict=True)
            self._metrics.domain("other", sum(octets), sum(messages), sum(accounts), 0)
        for name, kept, number, people in single:
            sources = await self._hub.read(quota.domain_sources, name, self._hub.quotas.config)
            limit = sources.total_limit("octets")[0]
            self._metrics.domain(name, kept, number, people, limit)


def _warned(work: Coroutine[Deferred[Any], Any, None]) -> Deferred[None]:
    return Deferred.fromCoroutine(work).addErrback(
        lambda failure: log.failure("error", failure, what="quota warnings")
    )


def _domains(tx: Tx) -> list[tuple[str, int, int, int]]:
    rows = tx.execute(
        "SELECT name, octets, messages,"
        " (SELECT count(*) FROM address WHERE domain = name AND is_primary) FROM domain"
        " ORDER BY name"
    ).fetchall()
    return [(str(n), int(str(o)), int(str(m)), int(str(a))) for n, o, m, a in rows]

"""Everything that a serving process has open, and closing it in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from twisted.cred.portal import Portal

from mailhub.auth.hashing import HashingThreads
from mailhub.config.options import Config
from mailhub.directory.directory import Directories
from mailhub.metrics import Metrics
from mailhub.model.mail import AccountId
from mailhub.net.doors import Turns
from mailhub.net.host import Host
from mailhub.net.listen import Listening
from mailhub.net.output import delay
from mailhub.net.shared import Shared
from mailhub.net.tls import TlsContexts
from mailhub.service.engine import RunningEngine
from mailhub.service.people import People, gather
from mailhub.service.quotas import Quotas
from mailhub.service.serving import factories, make_login, tls_config
from mailhub.service.sockets import Sockets
from mailhub.store.hub.datadir import DataDir

DRAIN_SECONDS = 5.0
"""How long clients may take to hear goodbye."""
DRAIN_STEP_SECONDS = 0.05
GOODBYE = "The server is shutting down"


@dataclass(frozen=True, slots=True)
class Together:
    """What this process has in common with the other workers; by default it is alone."""

    shared: Shared = field(default_factory=Shared)
    metrics: Metrics = field(default_factory=Metrics)
    turns: Turns | None = None
    suspended: Callable[[AccountId], None] = lambda account: None
    """Has the others end the sessions of an account."""


@dataclass(slots=True)
class Running:
    config: Config
    host: Host
    engine: RunningEngine
    hashing: HashingThreads
    directories: Directories
    people: People
    quotas: Quotas
    portal: Portal
    sockets: Sockets

    @property
    def data(self) -> DataDir:
        return self.engine.parts.data

    def start(self, listening: Iterable[Listening]) -> None:
        """Start threads and timers, and let clients in."""
        self.engine.start()
        self.hashing.start()
        self.directories.start()
        self.people.start(self.host.reactor)
        self.quotas.start(self.host.reactor)
        for each in listening:
            self.sockets.open(each)

    async def close(self) -> None:
        """No new connections; goodbye to everybody; then the store."""
        self.sockets.close()
        connections = self.host.connections
        for connection in connections.all():
            connection.end(GOODBYE)
        deadline = self.host.reactor.seconds() + DRAIN_SECONDS
        while len(connections) and self.host.reactor.seconds() < deadline:
            await delay(self.host.reactor, DRAIN_STEP_SECONDS)
        for connection in connections.all():
            connection.abort()
        self.hashing.stop()
        self.people.stop()
        self.quotas.stop()
        await self.directories.stop()
        await self.engine.stop()


def open_all(reactor: Any, config: Config, data: DataDir, together: Together) -> Running:
    """Open everything but threads and doors.  Raises Refusal, BadCertificate."""
    with data.setting_up():
        host = Host(
            reactor,
            hostname=config.hostname,
            limits=config.limits,
            metrics=together.metrics,
            tls=TlsContexts(tls_config(config, data)),
            flight_recorder_octets=config.log.flight_recorder,
            shared=together.shared,
        )
        engine = RunningEngine(reactor, config, data, host)
        host.stale = engine.stale
        hashing = HashingThreads(host.agenda)
        directories = Directories(
            reactor, host.agenda, config.directories, host.metrics, data.attempts
        )
        people = gather(config, engine.parts, directories.all, host, together.suspended)
        portal = make_login(config, engine.parts, host, hashing, people)
    sockets = Sockets(
        reactor, factories(config, engine.parts, host, portal, people), together.turns
    )
    quotas = Quotas(config, engine.parts, host)
    return Running(config, host, engine, hashing, directories, people, quotas, portal, sockets)

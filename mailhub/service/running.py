"""Everything that a running server has open, and closing it in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twisted.cred.portal import Portal

from mailhub.auth.hashing import HashingThreads
from mailhub.config.options import Config
from mailhub.directory.directory import Directories
from mailhub.metrics import Metrics
from mailhub.net.host import Host
from mailhub.net.output import delay
from mailhub.net.tls import TlsContexts
from mailhub.service.embedded import first_start
from mailhub.service.engine import RunningEngine
from mailhub.service.people import People, gather
from mailhub.service.quotas import Quotas
from mailhub.service.serving import factories, make_login, tls_config
from mailhub.service.sockets import Sockets
from mailhub.service.together import at_once
from mailhub.store.hub.datadir import DataDir, ServerLock

DRAIN_SECONDS = 5.0
"""How long clients may take to hear goodbye."""
DRAIN_STEP_SECONDS = 0.05
GOODBYE = "The server is shutting down"


@dataclass(slots=True)
class Running:
    config: Config
    lock: ServerLock
    host: Host
    engine: RunningEngine
    hashing: HashingThreads
    directories: Directories
    people: People
    quotas: Quotas
    portal: Portal
    sockets: Sockets
    passwords: Mapping[str, str]
    """Of accounts that the first start has made just now."""

    @property
    def data(self) -> DataDir:
        return self.engine.parts.data

    async def close(self) -> None:
        """No new connections; goodbye to everybody; then the store."""
        await self.sockets.close()
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
        self.lock.release()


def open_all(reactor: Any, config: Config) -> Running:
    """Open everything but the threads; sockets last, so that nobody waits for a server that fails.

    Raises Refusal, BadCertificate, ListenFailed.
    """
    data = DataDir(config.data_dir)
    data.prepare()
    lock = data.claim_server()
    passwords = first_start(config, data) if config.embedded else {}
    host = Host(
        reactor,
        hostname=config.hostname,
        limits=config.limits,
        metrics=Metrics(),
        tls=TlsContexts(tls_config(config, data)),
        flight_recorder_octets=config.log.flight_recorder,
    )
    engine = RunningEngine(reactor, config, data, host.metrics)
    host.stale = engine.stale
    hashing = HashingThreads(reactor)
    directories = Directories(reactor, config.directories, host.metrics)
    people = gather(config, engine.parts, directories.all, host)
    portal = make_login(config, engine.parts, host, hashing, people)
    sockets = Sockets(reactor, factories(config, engine.parts, host, portal, people))
    for listener in config.listeners:
        at_once(sockets.open(listener))
    return Running(
        config,
        lock,
        host,
        engine,
        hashing,
        directories,
        people,
        Quotas(config, engine.parts, host),
        portal,
        sockets,
        passwords,
    )

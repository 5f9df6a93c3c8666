"""What a process lends every connection: clock, limits, counters, TLS, the connection table."""

from __future__ import annotations

import socket
from typing import cast

from twisted.internet.interfaces import IReactorTime

from mailhub.config.options import KiB, Limits
from mailhub.metrics import Metrics
from mailhub.net.agenda import Agenda
from mailhub.net.shared import Shared
from mailhub.net.stale import StalePasswords
from mailhub.net.table import ConnectionTable
from mailhub.net.tls import TlsContexts


class Host:
    """One per process.  Events are written with :func:`mailhub.log.event`, which needs no host.

    ``tls`` None: TLS is offered nowhere.  ``stale`` None: nobody watches old passwords.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        *,
        hostname: str = "",
        limits: Limits | None = None,
        metrics: Metrics | None = None,
        tls: TlsContexts | None = None,
        flight_recorder_octets: int = 16 * KiB,
        shared: Shared | None = None,
        stale: StalePasswords | None = None,
    ) -> None:
        self.reactor = reactor
        self.agenda = Agenda(reactor)
        self.hostname = hostname or socket.getfqdn()
        self.limits = limits or Limits()
        self.metrics = metrics or Metrics()
        self.tls = tls
        self.flight_recorder_octets = flight_recorder_octets
        self.shared = shared or Shared()
        self.connections = ConnectionTable(self.limits, self.shared)
        self.stale = stale

    @classmethod
    def default(cls, reactor: IReactorTime | None = None) -> Host:
        """All defaults and no TLS: what a factory uses that is given no host.

        Without *reactor*: the one that the Twisted application around the factory runs on, which
        must have been chosen by then.
        """
        if reactor is None:
            from twisted.internet import reactor as running  # noqa: TID251

            return cls(cast(IReactorTime, running), hostname="localhost")
        return cls(reactor, hostname="localhost")

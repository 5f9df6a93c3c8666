"""Counters, gauges and histograms for Prometheus.

Counted at few places: connections, dispatch of commands, log-in, the store's commits, delivery.
:mod:`.families` says which there are, :mod:`.cells` where they are kept: in memory that the
workers of a server share, so that each of them can show the sums of all.  A name beyond the bound
is counted as ``other``.  Facts about one account are the log's and the CLI's.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from math import nan
from typing import Generic, TypeVar

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from mailhub.metrics import families
from mailhub.metrics.cells import Cells
from mailhub.metrics.exposition import Exposition
from mailhub.metrics.families import FAMILIES, SECONDS, Family

CONTENT_TYPE = CONTENT_TYPE_LATEST
MAX_SERIES = 300
"""Of one metric."""


class Counter:
    __slots__ = ("_cells",)

    def __init__(self, cells: memoryview[float]) -> None:
        self._cells = cells

    def add(self, amount: float = 1) -> None:
        self._cells[0] += amount


class Gauge(Counter):
    __slots__ = ()

    def set(self, value: float) -> None:
        self._cells[0] = value
        self._cells[1] = time.monotonic()


class Histogram:
    __slots__ = ("_cells",)

    def __init__(self, cells: memoryview[float]) -> None:
        self._cells = cells

    def observe(self, seconds: float) -> None:
        self._cells[bisect_left(SECONDS, seconds)] += 1
        self._cells[-1] += seconds


Kind = TypeVar("Kind", Counter, Gauge, Histogram)


class _Series(Generic[Kind]):
    """The series of one family by label values."""

    def __init__(
        self, cells: Cells, family: Family, make: Callable[[memoryview[float]], Kind]
    ) -> None:
        self._cells = cells
        self._family = family
        self._make: Callable[[memoryview[float]], Kind] = make
        self._number = FAMILIES.index(family)
        self._known: dict[tuple[str, ...], Kind] = {}

    def __call__(self, *labels: str) -> Kind:
        known = self._known.get(labels)
        if known is None:
            if len(self._known) >= MAX_SERIES:
                labels = ("other",) * len(labels)
            known = self._known[labels] = self._make(self._find(labels))
        return known

    def _find(self, labels: tuple[str, ...]) -> memoryview[float]:
        if self._family.kind == "gauge":
            return self._cells.gauge(self._number, labels, self._family.cells)
        return self._cells.counter(self._number, labels, self._family.cells)


class Metrics:
    """What this process counts.

    *cells* and *regions*: where to, and what is shown together with it; alone, its own.  Called in
    the reactor thread only.
    """

    def __init__(
        self,
        cells: Cells | None = None,
        regions: Callable[[], Sequence[memoryview]] | None = None,
    ) -> None:
        self._cells = cells = cells or Cells()
        self.registry = CollectorRegistry()
        self.registry.register(Exposition(regions or (lambda: (cells.region,))))
        self._opened = self._counter(families.CONNECTIONS)
        self._open = self._gauge(families.CONNECTIONS_OPEN)
        self._refused = self._counter(families.REFUSED)
        self._handshakes = self._counter(families.HANDSHAKES)
        self._logins = self._counter(families.LOGINS)
        self._commands = self._counter(families.COMMANDS)
        self._command_seconds = self._histogram(families.COMMAND_SECONDS)
        self._crashes = self._counter(families.CRASHES)
        self._commits = self._histogram(families.COMMITS)
        self._refusals = self._counter(families.REFUSALS)
        self._deliveries = self._counter(families.DELIVERIES)
        self._octets = self._counter(families.DELIVERED_OCTETS)
        self._worker_up = self._gauge(families.WORKER_UP)
        self._worker_starts = self._counter(families.WORKER_STARTS)
        self._reactor_delay = self._histogram(families.REACTOR_DELAY)
        self._reactor_longest = self._gauge(families.REACTOR_LONGEST)
        self._make_directory_metrics()
        self._make_quota_gauges()
        self._oauth_seconds = self._histogram(families.OAUTH_SECONDS)
        self._oauth_tokens = self._counter(families.OAUTH_TOKENS)

    def _make_directory_metrics(self) -> None:
        self._directory_seconds = self._histogram(families.DIRECTORY_SECONDS)
        self._directory_questions = self._counter(families.DIRECTORY_QUESTIONS)
        self._directory_wait = self._histogram(families.DIRECTORY_WAIT)
        self._directory_down = self._gauge(families.DIRECTORY_DOWN)
        self._directory_passwords = self._counter(families.DIRECTORY_PASSWORDS)
        self._directory_distrusted = self._gauge(families.DIRECTORY_DISTRUSTED)
        self._directory_people = self._gauge(families.DIRECTORY_PEOPLE)
        self._directory_losses = self._gauge(families.DIRECTORY_LOSSES)

    def _make_quota_gauges(self) -> None:
        self._quota_drift = self._gauge(families.QUOTA_DRIFT)
        self._domain_octets = self._gauge(families.DOMAIN_OCTETS)
        self._domain_messages = self._gauge(families.DOMAIN_MESSAGES)
        self._domain_accounts = self._gauge(families.DOMAIN_ACCOUNTS)
        self._domain_limit = self._gauge(families.DOMAIN_LIMIT)

    # --- what the parts tell ---

    def connection_opened(self, protocol: str) -> None:
        self._opened(protocol).add()
        self._open(protocol).add()

    def connection_closed(self, protocol: str) -> None:
        self._open(protocol).add(-1)

    def connection_refused(self, protocol: str, reason: str) -> None:
        self._refused(protocol, reason).add()

    def handshake(self, protocol: str, outcome: str) -> None:
        """Of TLS: *outcome* is the version reached, or ``failed``."""
        self._handshakes(protocol, outcome).add()

    def login(self, protocol: str, mechanism: str, outcome: str) -> None:
        self._logins(protocol, mechanism, outcome).add()

    def command(self, protocol: str, name: str, outcome: str, seconds: float) -> None:
        """*name* comes from the protocol's own table, never from the client."""
        self._commands(protocol, name, outcome).add()
        self._command_seconds(protocol, name).observe(seconds)

    def crash(self, protocol: str) -> None:
        self._crashes(protocol).add()

    def commit(self, outcome: str, seconds: float) -> None:
        self._commits(outcome).observe(seconds)

    def refusal(self, protocol: str, reason: str) -> None:
        """What ``mailhub explain`` knows by an id; *reason* is the class of the refusal."""
        self._refusals(protocol, reason).add()

    def delivery(self, outcome: str, octets: int = 0) -> None:
        self._deliveries(outcome).add()
        self._octets().add(octets)

    def quota_drift(self, octets: int) -> None:
        """As far as the auditor has come."""
        self._quota_drift().set(octets)

    def domain(self, name: str, octets: int, messages: int, accounts: int, limit: int) -> None:
        """How full a domain is."""
        self._domain_octets(name).set(octets)
        self._domain_messages(name).set(messages)
        self._domain_accounts(name).set(accounts)
        self._domain_limit(name).set(limit)

    def no_domain(self, name: str) -> None:
        """It is deleted, or called something else."""
        for gauge in (self._domain_octets, self._domain_messages, self._domain_accounts):
            gauge(name).set(nan)
        self._domain_limit(name).set(nan)

    def directory_operation(
        self, directory: str, server: str, operation: str, outcome: str, seconds: float
    ) -> None:
        """Names are the configuration's; divided by the log-ins: the cost of one."""
        self._directory_seconds(directory, server, operation, outcome).observe(seconds)

    def directory_question(self, directory: str, question: str, outcome: str) -> None:
        self._directory_questions(directory, question, outcome).add()

    def directory_waited(self, directory: str, seconds: float) -> None:
        self._directory_wait(directory).observe(seconds)

    def directory_server(self, directory: str, server: str, *, is_down: bool) -> None:
        self._directory_down(directory, server).set(is_down)

    def directory_password(self, directory: str, answer: str) -> None:
        """Who had it: the directory, the guard against lock-outs, the credential cache."""
        self._directory_passwords(directory, answer).add()

    def oauth_question(self, provider: str, question: str, outcome: str, seconds: float) -> None:
        self._oauth_seconds(provider, question, outcome).observe(seconds)

    def oauth_token(self, provider: str, outcome: str) -> None:
        """*outcome*: ``proved``, ``refused``, ``unavailable``."""
        self._oauth_tokens(provider, outcome).add()

    def directory_trust(
        self, directory: str, *, is_distrusted: bool, people: int, losses: int
    ) -> None:
        self._directory_distrusted(directory).set(is_distrusted)
        self._directory_people(directory).set(people)
        self._directory_losses(directory).set(losses)

    def worker_serves(self, worker: str) -> None:
        self._worker_starts(worker).add()
        self._worker_up(worker).set(1)

    def reactor_delay(self, worker: str, seconds: float) -> None:
        self._reactor_delay(worker).observe(seconds)

    def reactor_longest_pause(self, worker: str, seconds: float) -> None:
        self._reactor_longest(worker).set(seconds)

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)

    # --- making them ---

    def _counter(self, family: Family) -> _Series[Counter]:
        return _Series(self._cells, family, Counter)

    def _gauge(self, family: Family) -> _Series[Gauge]:
        return _Series(self._cells, family, Gauge)

    def _histogram(self, family: Family) -> _Series[Histogram]:
        return _Series(self._cells, family, Histogram)

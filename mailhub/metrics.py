"""Counters, gauges and histograms for Prometheus.

Counted at few places: connections, dispatch of commands, log-in, the store's commits, delivery.
Labels are bounded: never an account, an address or anything a client can choose; a name
beyond the bound is counted as ``other``.  Facts about one account are the log's and the CLI's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
MAX_SERIES = 300
"""Of one metric."""
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Kind = TypeVar("Kind", Counter, Gauge, Histogram)


class _Series(Generic[Kind]):
    """The children of one metric by label values, looked up without prometheus_client's cost."""

    def __init__(self, metric: Kind, labels: int) -> None:
        self._metric: Kind = metric
        self._children: dict[tuple[str, ...], Kind] = {}
        self._other = ("other",) * labels

    def __call__(self, *labels: str) -> Kind:
        child = self._children.get(labels)
        if child is None:
            if len(self._children) >= MAX_SERIES:
                labels = self._other
            child = self._children[labels] = self._metric.labels(*labels)
        return child


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._opened = self._counter("connections", "Connections taken in", "protocol")
        self._open = self._gauge("connections_open", "Connections open now", "protocol")
        self._refused = self._counter("connections_refused", "Refused", "protocol", "reason")
        self._handshakes = self._counter("tls_handshakes", "Handshakes", "protocol", "outcome")
        self._logins = self._counter(
            "logins", "Log-ins asked for", "protocol", "mechanism", "outcome"
        )
        self._commands = self._counter("commands", "Commands", "protocol", "command", "outcome")
        self._command_seconds = self._histogram(
            "command_seconds",
            "From the last octet of a command to its reply",
            "protocol",
            "command",
        )
        self._crashes = self._counter("crashes", "Unexpected exceptions", "protocol")
        self._commits = self._histogram(
            "commit_seconds", "Transactions of account files, in their threads", "outcome"
        )
        self._refusals = self._counter("refusals", "With a reason id", "protocol", "reason")
        self._deliveries = self._counter("deliveries", "Mail per recipient", "outcome")
        self._make_directory_metrics()
        self._make_quota_gauges()
        self._octets = Counter("mailhub_delivered_octets", "Filed", registry=self.registry)

    def _make_directory_metrics(self) -> None:
        self._directory_seconds = self._histogram(
            "directory_seconds",
            "Binds, searches and connecting, by server and outcome",
            "directory",
            "server",
            "operation",
            "outcome",
        )
        self._directory_questions = self._counter(
            "directory_questions", "Log-ins, look-ups, pages", "directory", "question", "outcome"
        )
        self._directory_wait = self._histogram(
            "directory_queue_seconds", "From being asked to being begun", "directory"
        )
        self._directory_down = self._gauge(
            "directory_server_down", "1 while a server is left alone", "directory", "server"
        )
        self._directory_passwords = self._counter(
            "directory_passwords", "Where the answer came from", "directory", "answer"
        )
        self._directory_distrusted = self._gauge(
            "directory_distrusted", "1 while nobody is suspended for being gone", "directory"
        )
        self._directory_people = self._gauge(
            "directory_people", "With an account, at the last walk", "directory"
        )
        self._directory_losses = self._gauge(
            "directory_losses", "Gone or disabled, at the last walk", "directory"
        )

    def _make_quota_gauges(self) -> None:
        self._quota_drift = Gauge(
            "mailhub_quota_drift_octets",
            "Between messages, ledgers and what the hub knows; must be 0",
            registry=self.registry,
        )
        self._domain_octets = self._gauge("domain_octets", "Kept by all accounts", "domain")
        self._domain_messages = self._gauge("domain_messages", "Kept by all accounts", "domain")
        self._domain_accounts = self._gauge("domain_accounts", "Accounts", "domain")
        self._domain_limit = self._gauge(
            "domain_limit_octets", "Of all accounts together; 0: none", "domain"
        )

    # --- what the parts tell ---

    def connection_opened(self, protocol: str) -> None:
        self._opened(protocol).inc()
        self._open(protocol).inc()

    def connection_closed(self, protocol: str) -> None:
        self._open(protocol).dec()

    def connection_refused(self, protocol: str, reason: str) -> None:
        self._refused(protocol, reason).inc()

    def handshake(self, protocol: str, outcome: str) -> None:
        """Of TLS: *outcome* is the version reached, or ``failed``."""
        self._handshakes(protocol, outcome).inc()

    def login(self, protocol: str, mechanism: str, outcome: str) -> None:
        self._logins(protocol, mechanism, outcome).inc()

    def command(self, protocol: str, name: str, outcome: str, seconds: float) -> None:
        """*name* comes from the protocol's own table, never from the client."""
        self._commands(protocol, name, outcome).inc()
        self._command_seconds(protocol, name).observe(seconds)

    def crash(self, protocol: str) -> None:
        self._crashes(protocol).inc()

    def commit(self, outcome: str, seconds: float) -> None:
        self._commits(outcome).observe(seconds)

    def refusal(self, protocol: str, reason: str) -> None:
        """What ``mailhub explain`` knows by an id; *reason* is the class of the refusal."""
        self._refusals(protocol, reason).inc()

    def delivery(self, outcome: str, octets: int = 0) -> None:
        self._deliveries(outcome).inc()
        self._octets.inc(octets)

    def quota_drift(self, octets: int) -> None:
        """As far as the auditor has come."""
        self._quota_drift.set(octets)

    def domain(self, name: str, octets: int, messages: int, accounts: int, limit: int) -> None:
        """How full a domain is."""
        self._domain_octets(name).set(octets)
        self._domain_messages(name).set(messages)
        self._domain_accounts(name).set(accounts)
        self._domain_limit(name).set(limit)

    def directory_operation(
        self, directory: str, server: str, operation: str, outcome: str, seconds: float
    ) -> None:
        """Names are the configuration's; divided by the log-ins: the cost of one."""
        self._directory_seconds(directory, server, operation, outcome).observe(seconds)

    def directory_question(self, directory: str, question: str, outcome: str) -> None:
        self._directory_questions(directory, question, outcome).inc()

    def directory_waited(self, directory: str, seconds: float) -> None:
        self._directory_wait(directory).observe(seconds)

    def directory_server(self, directory: str, server: str, *, is_down: bool) -> None:
        self._directory_down(directory, server).set(is_down)

    def directory_password(self, directory: str, answer: str) -> None:
        """Who had it: the directory, the guard against lock-outs, the credential cache."""
        self._directory_passwords(directory, answer).inc()

    def directory_trust(
        self, directory: str, *, is_distrusted: bool, people: int, losses: int
    ) -> None:
        self._directory_distrusted(directory).set(is_distrusted)
        self._directory_people(directory).set(people)
        self._directory_losses(directory).set(losses)

    def watch(self, name: str, about: str, read: Callable[[], float]) -> None:
        """A gauge whose value is read when somebody asks."""
        Gauge(f"mailhub_{name}", about, registry=self.registry).set_function(read)

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)

    # --- making them ---

    def _counter(self, name: str, about: str, *labels: str) -> _Series[Counter]:
        metric = Counter(f"mailhub_{name}", about, labels, registry=self.registry)
        return _Series(metric, len(labels))

    def _gauge(self, name: str, about: str, *labels: str) -> _Series[Gauge]:
        return _Series(Gauge(f"mailhub_{name}", about, labels, registry=self.registry), len(labels))

    def _histogram(self, name: str, about: str, *labels: str) -> _Series[Histogram]:
        metric = Histogram(
            f"mailhub_{name}", about, labels, registry=self.registry, buckets=SECONDS
        )
        return _Series(metric, len(labels))

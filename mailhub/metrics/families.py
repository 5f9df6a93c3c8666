"""Which metrics there are.  Labels are bounded: never an account, an address or anything that a
client can choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of every histogram's buckets."""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with all its series.

    ``shown``: what the processes' gauges make together; of those that several can know, and one
    finds out, the latest counts.
    """

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    about: str
    labels: tuple[str, ...] = ()
    shown: Literal["sum", "greatest", "latest"] = "sum"

    @property
    def cells(self) -> int:
        """Of each series; a histogram's are its buckets and the sum, a gauge's value and time."""
        if self.kind == "histogram":
            return len(SECONDS) + 2
        return 2 if self.kind == "gauge" else 1


_BY_COMMAND = ("protocol", "command")

CONNECTIONS = Family("counter", "connections", "Connections taken in", ("protocol",))
CONNECTIONS_OPEN = Family("gauge", "connections_open", "Connections open now", ("protocol",))
REFUSED = Family("counter", "connections_refused", "Refused", ("protocol", "reason"))
HANDSHAKES = Family("counter", "tls_handshakes", "Handshakes", ("protocol", "outcome"))
LOGINS = Family("counter", "logins", "Log-ins asked for", ("protocol", "mechanism", "outcome"))
COMMANDS = Family("counter", "commands", "Commands", (*_BY_COMMAND, "outcome"))
COMMAND_SECONDS = Family(
    "histogram",
    "command_seconds",
    "From the last octet of a command to its reply",
    _BY_COMMAND,
)
CRASHES = Family("counter", "crashes", "Unexpected exceptions", ("protocol",))
COMMITS = Family(
    "histogram", "commit_seconds", "Transactions of account files, in their threads", ("outcome",)
)
REFUSALS = Family("counter", "refusals", "With a reason id", ("protocol", "reason"))
DELIVERIES = Family("counter", "deliveries", "Mail per recipient", ("outcome",))
DELIVERED_OCTETS = Family("counter", "delivered_octets", "Filed")
DIRECTORY_SECONDS = Family(
    "histogram",
    "directory_seconds",
    "Binds, searches and connecting, by server and outcome",
    ("directory", "server", "operation", "outcome"),
)
DIRECTORY_QUESTIONS = Family(
    "counter",
    "directory_questions",
    "Log-ins, look-ups, pages",
    ("directory", "question", "outcome"),
)
DIRECTORY_WAIT = Family(
    "histogram", "directory_queue_seconds", "From being asked to being begun", ("directory",)
)
DIRECTORY_DOWN = Family(
    "gauge",
    "directory_server_down",
    "1 while a server is left alone",
    ("directory", "server"),
    shown="greatest",
)
DIRECTORY_PASSWORDS = Family(
    "counter", "directory_passwords", "Where the answer came from", ("directory", "answer")
)
DIRECTORY_DISTRUSTED = Family(
    "gauge",
    "directory_distrusted",
    "1 while nobody is suspended for being gone",
    ("directory",),
    shown="latest",
)
DIRECTORY_PEOPLE = Family(
    "gauge",
    "directory_people",
    "With an account, at the last walk",
    ("directory",),
    shown="latest",
)
DIRECTORY_LOSSES = Family(
    "gauge",
    "directory_losses",
    "Gone or disabled, at the last walk",
    ("directory",),
    shown="latest",
)
OAUTH_SECONDS = Family(
    "histogram",
    "oauth_seconds",
    "Asking a provider for its keys, or about a token",
    ("provider", "question", "outcome"),
)
OAUTH_TOKENS = Family(
    "counter", "oauth_tokens", "What came of access tokens", ("provider", "outcome")
)
QUOTA_DRIFT = Family(
    "gauge",
    "quota_drift_octets",
    "Between messages, ledgers and what the hub knows; must be 0",
    shown="latest",
)
DOMAIN_OCTETS = Family(
    "gauge", "domain_octets", "Kept by all accounts", ("domain",), shown="latest"
)
DOMAIN_MESSAGES = Family(
    "gauge", "domain_messages", "Kept by all accounts", ("domain",), shown="latest"
)
DOMAIN_ACCOUNTS = Family("gauge", "domain_accounts", "Accounts", ("domain",), shown="latest")
DOMAIN_LIMIT = Family(
    "gauge",
    "domain_limit_octets",
    "Of all accounts together; 0: none",
    ("domain",),
    shown="latest",
)
WORKER_UP = Family("gauge", "worker_up", "1 while the worker serves", ("worker",))
WORKER_STARTS = Family("counter", "worker_starts", "How often it was started", ("worker",))
REACTOR_DELAY = Family(
    "histogram",
    "reactor_delay_seconds",
    "How late the reactor came to a timer of every 10 ms",
    ("worker",),
)
REACTOR_LONGEST = Family(
    "gauge",
    "reactor_longest_pause_seconds",
    "The longest time in which a worker heard nobody, of the last minute or two",
    ("worker",),
)

FAMILIES = (
    *(CONNECTIONS, CONNECTIONS_OPEN, REFUSED, HANDSHAKES, LOGINS, COMMANDS, COMMAND_SECONDS),
    *(CRASHES, COMMITS, REFUSALS, DELIVERIES, DELIVERED_OCTETS),
    *(DIRECTORY_SECONDS, DIRECTORY_QUESTIONS, DIRECTORY_WAIT, DIRECTORY_DOWN),
    *(DIRECTORY_PASSWORDS, DIRECTORY_DISTRUSTED, DIRECTORY_PEOPLE, DIRECTORY_LOSSES),
    *(QUOTA_DRIFT, DOMAIN_OCTETS, DOMAIN_MESSAGES, DOMAIN_ACCOUNTS, DOMAIN_LIMIT),
    *(OAUTH_SECONDS, OAUTH_TOKENS),
    *(WORKER_UP, WORKER_STARTS, REACTOR_DELAY, REACTOR_LONGEST),
)

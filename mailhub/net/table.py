"""The connections of this process: who is there, and how many may be.

Limits count per client address, per account and in total.  A refusal says who holds the places,
because "too many connections" alone leaves people guessing which of their devices to stop.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailhub import log
from mailhub.config.options import Limits
from mailhub.model.mail import AccountId, Client

if TYPE_CHECKING:
    from mailhub.net.lifecycle import Lifecycle

MOST_NAMED = 3
"""Addresses named in a refusal."""


@dataclass(frozen=True, slots=True)
class Session:
    """One connection, for the administrator."""

    client: Client
    account: str
    """Address of the account; empty before log-in."""
    since: float
    last_activity: float


@dataclass(slots=True)
class _Entry:
    connection: Lifecycle
    address: str
    account: AccountId | None = None
    account_address: str = ""


class ConnectionTable:
    """Admits connections, finds them by id, and counts."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        """May be replaced; who is there stays."""
        self._prefix = log.short_id(3)  # several processes write one log
        self._numbers = itertools.count(1)
        self._entries: dict[str, _Entry] = {}
        self._per_address: Counter[str] = Counter()
        self._per_account: dict[AccountId, set[str]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def new_id(self) -> str:
        return f"{self._prefix}{next(self._numbers):x}"

    def admit(self, connection: Lifecycle) -> str | None:
        """Enter *connection*; or the refusal, in words for the person at the other end."""
        address = connection.client.address
        refusal = self._full(address)
        if refusal is None:
            self._entries[connection.client.connection] = _Entry(connection, address)
            self._per_address[address] += 1
        return refusal

    def remove(self, connection_id: str) -> None:
        entry = self._entries.get(connection_id)
        if entry is None:
            return
        self.log_out(connection_id)
        del self._entries[connection_id]
        self._per_address[entry.address] -= 1
        if not self._per_address[entry.address]:
            del self._per_address[entry.address]

    def log_in(
        self, connection_id: str, account: AccountId, address: str, most: int | None = None
    ) -> str | None:
        """Note whose connection it is; or the refusal, in words.

        *most*: how many the account may have, 0: no limit, None: what the limits say.
        """
        entry = self._entries.get(connection_id)
        if entry is None:  # closed meanwhile, or a protocol that is not in the table
            return None
        holders = self._per_account.get(account, set())
        limit = self.limits.max_connections_per_account if most is None else most
        if limit and len(holders) >= limit:
            return f"Too many connections of this account ({self._named(holders)})"
        self._per_account.setdefault(account, set()).add(connection_id)
        entry.account, entry.account_address = account, address
        entry.connection.traffic.account = address
        entry.connection.logged_in()
        return None

    def log_out(self, connection_id: str) -> None:
        entry = self._entries.get(connection_id)
        if entry is None or entry.account is None:
            return
        holders = self._per_account[entry.account]
        holders.discard(connection_id)
        if not holders:
            del self._per_account[entry.account]
        entry.account, entry.account_address = None, ""

    # --- for the administrator ---

    def find(self, connection_id: str) -> Lifecycle | None:
        entry = self._entries.get(connection_id)
        return entry.connection if entry else None

    def sessions(self) -> list[Session]:
        return [
            Session(e.connection.client, e.account_address, e.connection.since, e.connection.active)
            for e in self._entries.values()
        ]

    def of_account(self, account: AccountId) -> list[Lifecycle]:
        return [self._entries[i].connection for i in self._per_account.get(account, ())]

    def all(self) -> list[Lifecycle]:
        return [entry.connection for entry in self._entries.values()]

    def dump(self, connection_id: str) -> str | None:
        """The flight record of a connection, None when there is no such connection."""
        connection = self.find(connection_id)
        return connection.recorder.text() if connection else None

    # --- counting ---

    def _full(self, address: str) -> str | None:
        if len(self._entries) >= self.limits.max_connections:
            return "Too many connections to this server, try again later"
        limit = self.limits.max_connections_per_address
        if limit and self._per_address[address] >= limit:
            # Which accounts these are is nobody's business before log-in.
            return f"Too many connections from your address {address} (limit {limit})"
        return None

    def _named(self, connection_ids: set[str]) -> str:
        addresses = Counter(self._entries[i].address for i in connection_ids)
        named = [f"{count} from {who}" for who, count in addresses.most_common(MOST_NAMED)]
        if len(addresses) > MOST_NAMED:
            named.append("others")
        return ", ".join(named)

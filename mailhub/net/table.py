"""The connections of this process: who is there, and how many may be.

Limits count per client address, per account and in total, over all workers of the server
(:mod:`.seats`).  A refusal says who holds the places, because "too many connections" alone leaves
people guessing which of their devices to stop.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailhub.config.options import Limits
from mailhub.model.mail import AccountId, Client
from mailhub.net.shared import Shared

if TYPE_CHECKING:
    from mailhub.net.lifecycle import Lifecycle

MOST_NAMED = 3
"""Addresses named in a refusal."""
_FULL = "Too many connections to this server, try again later"


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
    seat: int
    account: AccountId | None = None
    account_address: str = ""


class ConnectionTable:
    """Admits connections, finds them by id, and counts."""

    def __init__(self, limits: Limits, shared: Shared) -> None:
        self.limits = limits
        """May be replaced; who is there stays."""
        self._prefix = shared.prefix
        self._seats = shared.seats
        self._numbers = itertools.count(1)
        self._entries: dict[str, _Entry] = {}
        self._per_account: dict[AccountId, set[str]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def new_id(self) -> str:
        return f"{self._prefix}{next(self._numbers):x}"

    def admit(self, connection: Lifecycle) -> str | None:
        """Enter *connection*; or the refusal, in words for the person at the other end."""
        address = connection.client.address
        seat = self._seats.take(address)
        if seat is None:
            return _FULL
        refusal = self._full(address)
        if refusal is None:
            self._entries[connection.client.connection] = _Entry(connection, seat)
        else:
            self._seats.leave(seat)
        return refusal

    def remove(self, connection_id: str) -> None:
        entry = self._entries.get(connection_id)
        if entry is None:
            return
        self.log_out(connection_id)
        del self._entries[connection_id]
        self._seats.leave(entry.seat)

    def log_in(
        self, connection_id: str, account: AccountId, address: str, most: int | None = None
    ) -> str | None:
        """Note whose connection it is; or the refusal, in words.

        *most*: how many the account may have, 0: no limit, None: what the limits say.
        """
        entry = self._entries.get(connection_id)
        if entry is None:  # closed meanwhile, or a protocol that is not in the table
            return None
        limit = self.limits.max_connections_per_account if most is None else most
        self._seats.rename(entry.seat, account)
        if limit and len(self._seats.of_account(account)) > limit:
            self._seats.rename(entry.seat, "")
            holders = named(self._seats.of_account(account))
            return f"Too many connections of this account ({holders})"
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
        self._seats.rename(entry.seat, "")

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
        if self._seats.taken() > self.limits.max_connections:
            return _FULL
        limit = self.limits.max_connections_per_address
        if limit and self._seats.of_address(address) > limit:
            # Which accounts these are is nobody's business before log-in.
            return f"Too many connections from your address {address} (limit {limit})"
        return None


def named(holders: list[str]) -> str:
    """Their addresses, in words."""
    addresses = Counter(holders)
    told = [f"{count} from {who}" for who, count in addresses.most_common(MOST_NAMED)]
    if len(addresses) > MOST_NAMED:
        told.append("others")
    return ", ".join(told)

"""Slowing down guessing: wrong passwords per (network, account) within a window of time.

Only that pair has to wait, so neither an office behind one address nor an account that somebody
far away tries to guess is locked out.  The same wrong password counts once: a forgotten phone
that asks every minute with an old password is no attacker.  An attempt counts from its start, so
many at once find no gap; success, or an answer that says nothing about the password, takes it
back.  A wrong SCRAM proof cannot be compared with others and counts each time.  The workers of a
server count together.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable
from functools import lru_cache

from mailhub.interfaces import TooManyAttempts
from mailhub.net.digests import Digests, one_spelling
from mailhub.net.notes import KEY
from mailhub.net.shared import Kind, Shared


class Throttle:
    def __init__(
        self,
        clock: Callable[[], float],
        attempts: int,
        window_seconds: float,
        shared: Shared | None = None,
    ) -> None:
        shared = shared or Shared()
        self._clock = clock
        self._attempts = attempts
        self._window = window_seconds
        self._digests = Digests(shared.secret, "throttle")
        self._notes = shared.notes[Kind.ATTEMPTS]

    def begin(self, address: str, account: str, secret: bytes | None) -> Attempt:
        """Count an attempt; *secret* None: unknown.  Raises TooManyAttempts."""
        network = network_of(address)
        pair = self._digests.of(network, one_spelling(account))[:KEY]
        mark = secrets.token_bytes(KEY) if secret is None else self._digests.of(secret)[:KEY]
        now = self._clock()
        with self._notes.marks(pair) as marks:
            seen = marks.since(now - self._window)
            if mark not in seen and len(seen) >= self._attempts:
                raise TooManyAttempts(f"{len(seen)} different passwords from {network}")
            marks.put(mark, now)
        return Attempt(self, pair, mark)

    def forget(self, pair: bytes, mark: bytes | None = None) -> None:
        """One attempt, or None: all of the pair."""
        with self._notes.marks(pair) as marks:
            marks.drop(mark)


class Attempt:
    """One that has been counted; it stays so unless one of the methods is called."""

    __slots__ = ("_mark", "_pair", "_throttle")

    def __init__(self, throttle: Throttle, pair: bytes, mark: bytes) -> None:
        self._throttle = throttle
        self._pair = pair
        self._mark = mark

    def succeeded(self) -> None:
        """The right password: the pair starts afresh."""
        self._throttle.forget(self._pair)

    def undecided(self) -> None:
        """Nothing was learnt about the password."""
        self._throttle.forget(self._pair, self._mark)


@lru_cache(1024)
def network_of(address: str) -> str:
    """Whom an address stands for: an IPv4 address itself, of IPv6 the /64 that a host has."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address or "unix"
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip.packed, 64), strict=False))

"""Slowing down guessing: wrong passwords per (network, account) within a window of time.

Only that pair has to wait, so neither an office behind one address nor an account that somebody
far away tries to guess is locked out.  The same wrong password counts once: a forgotten phone
that asks every minute with an old password is no attacker.  An attempt counts from its start, so
many at once find no gap; success, or an answer that says nothing about the password, takes it
back.  A wrong SCRAM proof cannot be compared with others and counts each time.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections import OrderedDict
from collections.abc import Callable

from mailhub.interfaces import TooManyAttempts

MAX_PAIRS = 20_000
"""Remembered at once; the longest untouched is forgotten first."""
DIGEST_OCTETS = 8


class Throttle:
    def __init__(self, clock: Callable[[], float], attempts: int, window_seconds: float) -> None:
        self._clock = clock
        self._attempts = attempts
        self._window = window_seconds
        self._key = secrets.token_bytes(32)
        self._pairs: OrderedDict[tuple[str, str], dict[bytes, float]] = OrderedDict()

    def begin(self, address: str, account: str, secret: bytes | None) -> Attempt:
        """Count an attempt; *secret* None: unknown.  Raises TooManyAttempts."""
        pair = (network_of(address), account.casefold())
        seen = self._recent(pair)
        digest = self._digest(secret)
        if digest not in seen and len(seen) >= self._attempts:
            raise TooManyAttempts(f"{len(seen)} different passwords from {pair[0]}")
        seen[digest] = self._clock()
        self._pairs[pair] = seen
        self._pairs.move_to_end(pair)
        if len(self._pairs) > MAX_PAIRS:
            self._pairs.popitem(last=False)
        return Attempt(self, pair, digest)

    def forget(self, pair: tuple[str, str], digest: bytes | None = None) -> None:
        """One attempt, or None: all of the pair."""
        seen = self._pairs.get(pair, {})
        if digest is not None:
            seen.pop(digest, None)
        if digest is None or not seen:
            self._pairs.pop(pair, None)

    def _recent(self, pair: tuple[str, str]) -> dict[bytes, float]:
        since = self._clock() - self._window
        return {d: t for d, t in self._pairs.get(pair, {}).items() if t > since}

    def _digest(self, secret: bytes | None) -> bytes:
        if secret is None:
            return secrets.token_bytes(DIGEST_OCTETS)
        return hmac.digest(self._key, secret, hashlib.sha256)[:DIGEST_OCTETS]


class Attempt:
    """One that has been counted; it stays so unless one of the methods is called."""

    __slots__ = ("_digest", "_pair", "_throttle")

    def __init__(self, throttle: Throttle, pair: tuple[str, str], digest: bytes) -> None:
        self._throttle = throttle
        self._pair = pair
        self._digest = digest

    def succeeded(self) -> None:
        """The right password: the pair starts afresh."""
        self._throttle.forget(self._pair)

    def undecided(self) -> None:
        """Nothing was learnt about the password."""
        self._throttle.forget(self._pair, self._digest)


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

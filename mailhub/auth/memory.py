"""Passwords proved a moment ago, so that a client with ten connections pays for one argon2.

Kept is HMAC(process key, account, stored verifier, password): nothing that outlives the process
or can be tried elsewhere, and a changed password misses at once because the verifier changed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable

from mailhub.model.mail import AccountId, Verifier

MAX_SECRETS = 10_000


class VerifiedSecrets:
    """Remembers for *seconds* (0: not at all), at most MAX_SECRETS."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._key = secrets.token_bytes(32)
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def remember(self, account: AccountId, verifier: Verifier, password: str) -> None:
        if self._seconds <= 0:
            return
        self._until[self._digest(account, verifier, password)] = self._clock() + self._seconds
        if len(self._until) > MAX_SECRETS:
            self._until.popitem(last=False)

    def knows(self, account: AccountId, verifier: Verifier, password: str) -> bool:
        digest = self._digest(account, verifier, password)
        until = self._until.get(digest)
        if until is None:
            return False
        if until > self._clock():
            return True
        del self._until[digest]
        return False

    def _digest(self, account: AccountId, verifier: Verifier, password: str) -> bytes:
        parts = [p.encode("utf-8") for p in (account, verifier.data, password)]
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._key, message, hashlib.sha256)

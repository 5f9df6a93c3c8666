"""Passwords proved a moment ago, so that a client with ten connections pays for one argon2.

Kept is HMAC(server's key, account, stored verifier, password): nothing that outlives the server
or can be tried elsewhere, and a changed password misses at once because the verifier changed.
The workers of a server remember together.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from mailhub.model.mail import AccountId, Verifier
from mailhub.net.notes import KEY
from mailhub.net.shared import Kind, Shared


class VerifiedSecrets:
    """Remembers for *seconds* (0: not at all)."""

    def __init__(
        self, clock: Callable[[], float], seconds: float, shared: Shared | None = None
    ) -> None:
        shared = shared or Shared()
        self._clock = clock
        self._seconds = seconds
        self._secret = shared.secret
        self._notes = shared.notes[Kind.SECRETS]

    def remember(self, account: AccountId, verifier: Verifier, password: str) -> None:
        if self._seconds <= 0:
            return
        key, mark = self._digests(account, verifier, password)
        with self._notes.marks(key) as marks:
            marks.put(mark, self._clock() + self._seconds)

    def knows(self, account: AccountId, verifier: Verifier, password: str) -> bool:
        key, mark = self._digests(account, verifier, password)
        with self._notes.marks(key) as marks:
            until = marks.since(self._clock()).get(mark)
        return until is not None and until > self._clock()

    def _digests(
        self, account: AccountId, verifier: Verifier, password: str
    ) -> tuple[bytes, bytes]:
        """Halves of one: 128 bits."""
        parts = [p.encode("utf-8") for p in (account, verifier.data, password)]
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        digest = hmac.digest(self._secret, message, hashlib.sha256)
        return digest[:KEY], digest[KEY : 2 * KEY]

"""Passwords proved a moment ago, so that a client with ten connections pays for one argon2.

Kept is a digest under the server's key of account, stored verifier and password: nothing that
outlives the server or can be tried elsewhere, and a changed password misses at once because the
verifier changed.  The workers of a server remember together.
"""

from __future__ import annotations

from collections.abc import Callable

from mailhub.model.mail import AccountId, Verifier
from mailhub.net.digests import Digests
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
        self._digests = Digests(shared.secret, "proved passwords")
        self._notes = shared.notes[Kind.SECRETS]

    def remember(self, account: AccountId, verifier: Verifier, password: str) -> None:
        if self._seconds <= 0:
            return
        key, mark = self._halves(account, verifier, password)
        with self._notes.marks(key) as marks:
            marks.put(mark, self._clock() + self._seconds)

    def knows(self, account: AccountId, verifier: Verifier, password: str) -> bool:
        key, mark = self._halves(account, verifier, password)
        with self._notes.marks(key) as marks:
            until = marks.since(self._clock()).get(mark)
        return until is not None and until > self._clock()

    def _halves(self, account: AccountId, verifier: Verifier, password: str) -> tuple[bytes, bytes]:
        """Of one digest: 128 bits."""
        digest = self._digests.of(account, verifier.data, password)
        return digest[:KEY], digest[KEY : 2 * KEY]

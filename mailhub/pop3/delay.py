"""LOGIN-DELAY: the least time between two log-ins of one account.  RFC 2449 6.5.

Remembered in memory only, by all workers together: a restart forgives, which harms nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from mailhub.model.mail import AccountId
from mailhub.net.digests import Digests
from mailhub.net.notes import KEY
from mailhub.net.shared import Kind, Shared
from mailhub.pop3.errors import TooSoon

_MARK = bytes(8)


class LoginDelay:
    """One for all sessions; *seconds* 0: no delay."""

    def __init__(self, seconds: int, clock: Callable[[], float], shared: Shared) -> None:
        self._seconds = seconds
        self._clock = clock
        self._log_ins = shared.notes[Kind.LOG_INS]
        self._digests = Digests(shared.secret, "log-ins")

    def check(self, account: AccountId) -> None:
        """Raise TooSoon if *account* has logged in less than the delay ago."""
        if not self._seconds:
            return
        now = self._clock()
        with self._log_ins.marks(self._key(account)) as marks:
            before = marks.since(now - self._seconds).get(_MARK)
        if before is not None and before > now - self._seconds:
            left = before + self._seconds - now
            raise TooSoon(f"Wait {max(1, round(left))} seconds before you log in again")

    def note(self, account: AccountId) -> None:
        """*account* has logged in."""
        if self._seconds:
            with self._log_ins.marks(self._key(account)) as marks:
                marks.put(_MARK, self._clock())

    def _key(self, account: AccountId) -> bytes:
        return self._digests.of(account)[:KEY]

"""LOGIN-DELAY: the least time between two log-ins of one account.  RFC 2449 6.5.

Remembered in memory only: a restart forgives, which harms nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from mailhub.model.mail import AccountId
from mailhub.pop3.errors import TooSoon


class LoginDelay:
    """One for all sessions of a factory; *seconds* 0: no delay."""

    def __init__(self, seconds: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last: dict[AccountId, float] = {}  # in the order of the times

    def check(self, account: AccountId) -> None:
        """Raise TooSoon if *account* has logged in less than the delay ago."""
        self._forget()
        if account in self._last:
            left = self._last[account] + self._seconds - self._clock()
            raise TooSoon(f"Wait {max(1, round(left))} seconds before you log in again")

    def note(self, account: AccountId) -> None:
        """*account* has logged in."""
        if self._seconds:
            self._last.pop(account, None)
            self._last[account] = self._clock()

    def _forget(self) -> None:
        limit = self._clock() - self._seconds
        for account, when in list(self._last.items()):
            if when > limit:
                break
            del self._last[account]

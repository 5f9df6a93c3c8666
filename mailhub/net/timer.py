"""One lazy timer per connection: it is touched often and fires seldom.

Touching only notes the time; the one scheduled call looks at the note when its time has come
and goes back to sleep.  So a busy connection costs no timer operations.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

QUIET_SECONDS = 30.0
"""After which a connection counts as idle and gives memory back."""


class IdleTimer:
    """Calls *expired* after a time without a touch, and *quiet* once after each burst."""

    __slots__ = ("_call", "_clock", "_expired", "_noisy", "_quiet", "_seconds", "touched")

    def __init__(
        self, clock: IReactorTime, *, expired: Callable[[], None], quiet: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._expired = expired
        self._quiet = quiet
        self._seconds: float | None = None
        self._call: IDelayedCall | None = None
        self._noisy = False
        self.touched = clock.seconds()

    def set(self, seconds: float | None) -> None:
        """Expire *seconds* after the last touch, which is now; None: never."""
        self._seconds = seconds
        self.touch()
        self._sleep()

    def touch(self) -> None:
        self.touched = self._clock.seconds()
        if not self._noisy:
            self._noisy = True
            self._sleep()

    def stop(self) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None

    def _sleep(self) -> None:
        """Until something may be due; a call that comes sooner will see that nothing is."""
        waits = []
        if self._noisy:
            waits.append(QUIET_SECONDS)
        if self._seconds is not None:
            waits.append(self._seconds)
        if not waits:
            return
        due = self.touched + min(waits)
        if self._call is not None:
            if self._call.getTime() <= due:
                return
            self._call.cancel()
        self._call = self._clock.callLater(max(0.0, due - self._clock.seconds()), self._wake)

    def _wake(self) -> None:
        self._call = None
        idle = self._clock.seconds() - self.touched
        if self._seconds is not None and idle >= self._seconds:
            self._seconds = None
            self._expired()
            return
        if self._noisy and idle >= QUIET_SECONDS:
            self._noisy = False
            self._quiet()
        self._sleep()

"""Which clients keep presenting a password that does not work (any more).

A phone that nobody has told of the new password asks every minute, and locks its owner out of a
directory.  A client is noted at once when its password has worked before, or when it presents the
same wrong one for the third time; a client that leads SCRAM shows nothing to compare, so three
failures in a row are taken for the same.  Guessing, which is always another password, is not noted.

Passwords are compared by digests under a key of this server, in memory and bounded; the workers of
a server remember together.  What is handed on never holds one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mailhub import log
from mailhub.net.digests import Digests
from mailhub.net.notes import KEY
from mailhub.net.shared import Kind, Shared

REPEATS = 3
UNSEEN = b"unseen--"
"""In the place of a password's digest."""


@dataclass(frozen=True, slots=True)
class Presenter:
    """A client, as far as it can be told from others; ``user`` is the name that it gives."""

    user: str
    address: str
    protocol: str
    mechanism: str


class Sightings(Protocol):
    """Keeps what is noted."""

    def seen(self, who: Presenter, times: int, worked: float | None) -> bool:
        """*times* more; *worked*: when the password last did.  Returns whether *who* is new."""

    def ended(self, who: Presenter) -> None:
        """The client has logged in.  Harmless if nothing was noted."""


class StalePasswords:
    """*clock* gives the time in seconds since 1970."""

    def __init__(
        self, sightings: Sightings, clock: Callable[[], float], shared: Shared | None = None
    ) -> None:
        shared = shared or Shared()
        self._sightings = sightings
        self._clock = clock
        self._digests = Digests(shared.secret, "stale passwords")
        self._worked = shared.notes[Kind.WORKED]
        self._repeated = shared.notes[Kind.REPEATED]

    def right(self, who: Presenter, password: bytes | None) -> None:
        """*password* None: it is not known, only that the client has it."""
        with self._repeated.marks(self._client(who)) as marks:
            marks.drop()
        if password is not None:
            with self._worked.marks(self._digest(who.user)) as marks:
                marks.put(self._digest(who.user, password), self._clock())
        self._sightings.ended(who)

    def wrong(self, who: Presenter, password: bytes | None) -> None:
        """The user exists, and this is not their password (now)."""
        mark = UNSEEN if password is None else self._digest(who.user, password)
        times = self._times(self._client(who), mark)
        with self._worked.marks(self._digest(who.user)) as marks:
            worked = marks.since(0.0).get(mark)
        if times > REPEATS or worked is not None:
            self._note(who, 1, worked)
        elif times == REPEATS:
            self._note(who, REPEATS, None)

    def _times(self, client: bytes, mark: bytes) -> int:
        """How often in a row, with this one."""
        with self._repeated.marks(client) as marks:
            times = int(marks.since(0).get(mark, 0)) + 1
            marks.drop()
            marks.put(mark, times)
        return times

    def _note(self, who: Presenter, times: int, worked: float | None) -> None:
        if self._sightings.seen(who, times, worked):
            log.event(
                "client.stale",
                level="warn",
                peer=who.address,
                protocol=who.protocol,
                user=who.user,
                mechanism=who.mechanism,
                what="a password that has worked before" if worked else "the same wrong password",
            )

    def _client(self, who: Presenter) -> bytes:
        return self._digest(who.user, who.address, who.protocol, who.mechanism)

    def _digest(self, *parts: str | bytes) -> bytes:
        return self._digests.of(*parts)[:KEY]

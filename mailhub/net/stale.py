"""Which clients keep presenting a password that does not work (any more).

A phone that nobody has told of the new password asks every minute, and locks its owner out of a
directory.  A client is noted at once when its password has worked before, or when it presents the
same wrong one for the third time; a client that leads SCRAM shows nothing to compare, so three
failures in a row are taken for the same.  Guessing, which is always another password, is not noted.

Passwords are compared by digests under a key of this process, in memory and bounded.  What is
handed on never holds one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mailhub import log

K = TypeVar("K")
V = TypeVar("V")

REPEATS = 3
MAX_REMEMBERED = 20_000
"""Users, and clients; the longest untouched is forgotten first."""
MAX_PROVED = 4
"""Passwords of one user that have worked."""


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

    def __init__(self, sightings: Sightings, clock: Callable[[], float]) -> None:
        self._sightings = sightings
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._proved: OrderedDict[str, OrderedDict[bytes, float]] = OrderedDict()
        self._wrong: OrderedDict[Presenter, tuple[bytes, int]] = OrderedDict()

    def right(self, who: Presenter, password: bytes | None) -> None:
        """*password* None: it is not known, only that the client has it."""
        self._wrong.pop(who, None)
        if password is not None:
            proved = _kept(self._proved, who.user, OrderedDict())
            digest = self._digest(who, password)
            proved[digest] = self._clock()
            proved.move_to_end(digest)
            if len(proved) > MAX_PROVED:
                proved.popitem(last=False)
        self._sightings.ended(who)

    def wrong(self, who: Presenter, password: bytes | None) -> None:
        """The user exists, and this is not their password (now)."""
        digest = b"" if password is None else self._digest(who, password)
        last, times = _kept(self._wrong, who, (digest, 0))
        times = times + 1 if last == digest else 1
        self._wrong[who] = (digest, times)
        proved = self._proved.get(who.user)
        worked = proved.get(digest) if proved is not None else None
        if times > REPEATS or worked is not None:
            self._note(who, 1, worked)
        elif times == REPEATS:
            self._note(who, REPEATS, None)

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

    def _digest(self, who: Presenter, password: bytes) -> bytes:
        message = who.user.encode("utf-8", "backslashreplace") + b"\0" + password
        return hmac.digest(self._key, message, hashlib.sha256)


def _kept(memory: OrderedDict[K, V], key: K, new: V) -> V:
    """What is remembered of *key*, which is now the latest; *new* if nothing is."""
    found = memory.setdefault(key, new)
    memory.move_to_end(key)
    if len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)
    return found

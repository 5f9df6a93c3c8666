"""What is remembered of passwords that a directory was asked about.

:class:`LockoutGuard` keeps a forgotten phone from locking its owner out: the same wrong password
for the same name reaches the directory once within a window, and so do only so many different
ones.  The password that was right last always does, until it is wrong.  Names that the same person
has logged in with count as one.  Names, never networks: an office behind one address is not
punished for one of its people.

:class:`ProvedPasswords` is the credential cache, off unless configured: the last password of a name
that was right, for a short time.  A new one misses and is asked about at once; its first success
takes the place of the old one.

Both keep HMACs under a key of this process, in memory only, bounded.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from operator import itemgetter

from mailhub.interfaces import BadCredentials, TooManyAttempts
from mailhub.model.mail import AccountId

MAX_NAMES = 20_000
"""Remembered at once; the longest untouched is forgotten first."""
MAX_WRONG = 64
"""Different wrong passwords remembered of one name."""


class Digests:
    """Keyed digests of passwords, by everything that a look-up depends on."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def of(self, *parts: str) -> bytes:
        octets = [part.encode("utf-8") for part in parts]
        message = b"".join(len(part).to_bytes(4, "big") + part for part in octets)
        return hmac.digest(self._key, message, hashlib.sha256)


class LockoutGuard:
    """*window* in seconds, 0: off; *most* different wrong passwords within it, 0: any number."""

    def __init__(self, clock: Callable[[], float], window: float, most: int) -> None:
        self._clock = clock
        self._window = window
        self._most = most
        self._names: OrderedDict[str, _Name] = OrderedDict()
        self._people: OrderedDict[str, str] = OrderedDict()
        """Whose a name was when it last logged in."""

    def check(self, name: str, digest: bytes) -> None:
        """Raises BadCredentials, TooManyAttempts: do not ask the directory."""
        known = self._names.get(self._key(name))
        if known is None or self._window <= 0 or digest == known.right:
            return
        wrong = known.since(self._clock() - self._window)
        if digest in wrong:
            raise BadCredentials("the same wrong password again; not sent to the directory")
        if self._most and len(wrong) >= self._most:
            raise TooManyAttempts(
                f"{len(wrong)} different wrong passwords lately; no more are sent to the directory"
            )

    def wrong(self, name: str, digest: bytes) -> None:
        if self._window > 0:
            known = self._known(name)
            known.add({digest: self._clock()})
            if known.right == digest:  # it has been changed
                known.right = b""

    def right(self, name: str, digest: bytes, person: str) -> None:
        """Whoever logs in starts afresh, but what was wrong lately still is."""
        if self._window > 0:
            known = self._merged(name.casefold(), person)
            known.right = digest
            known.wrong.pop(digest, None)

    def _merged(self, name: str, person: str) -> _Name:
        """What is known of *person*, which is what is known of *name* from now on."""
        earlier = self._names.pop(name, None)
        self._people[name] = person
        self._people.move_to_end(name)
        if len(self._people) > MAX_NAMES:
            self._people.popitem(last=False)
        known = self._known(name)
        if earlier is not None:
            known.add(earlier.wrong)
        return known

    def _known(self, name: str) -> _Name:
        key = self._key(name)
        known = self._names.setdefault(key, _Name())
        self._names.move_to_end(key)
        if len(self._names) > MAX_NAMES:
            self._names.popitem(last=False)
        return known

    def _key(self, name: str) -> str:
        person = self._people.get(name.casefold())
        return name.casefold() if person is None else f"\0{person}"  # no name has a NUL


class _Name:
    __slots__ = ("right", "wrong")

    def __init__(self) -> None:
        self.right = b""
        self.wrong: OrderedDict[bytes, float] = OrderedDict()

    def add(self, wrong: Mapping[bytes, float]) -> None:
        """The oldest come first, and are forgotten first."""
        times = {**self.wrong, **wrong}
        newest = sorted(times.items(), key=itemgetter(1))[-MAX_WRONG:]
        self.wrong = OrderedDict(newest)

    def since(self, when: float) -> OrderedDict[bytes, float]:
        while self.wrong and next(iter(self.wrong.values())) <= when:
            self.wrong.popitem(last=False)
        return self.wrong


class ProvedPasswords:
    """Remembers for *seconds* (0: not at all)."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._names: OrderedDict[str, tuple[bytes, AccountId, float]] = OrderedDict()
        self._of_account: dict[AccountId, set[str]] = {}

    def account(self, name: str, digest: bytes) -> AccountId | None:
        """Whose password it was a moment ago."""
        known = self._names.get(name.casefold())
        if known is None or known[0] != digest:
            return None
        if known[2] > self._clock():
            return known[1]
        self._forget(name.casefold())
        return None

    def remember(self, name: str, digest: bytes, account: AccountId) -> None:
        """All other passwords of the account, under whatever name, are forgotten."""
        if self._seconds <= 0:
            return
        name = name.casefold()
        for other in [*self._of_account.get(account, ()), name]:
            if other == name or self._names[other][0] != digest:
                self._forget(other)
        self._names[name] = (digest, account, self._clock() + self._seconds)
        self._of_account.setdefault(account, set()).add(name)
        if len(self._names) > MAX_NAMES:
            self._forget(next(iter(self._names)))

    def _forget(self, name: str) -> None:
        known = self._names.pop(name, None)
        if known is None:
            return
        names = self._of_account[known[1]]
        names.discard(name)
        if not names:
            del self._of_account[known[1]]

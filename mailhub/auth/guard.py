"""What is remembered of passwords that a directory was asked about.

:class:`LockoutGuard` keeps a forgotten phone from locking its owner out: the same wrong password
for the same name reaches the directory once within a window, and so do only so many different
ones.  The password that was right last always does, until it is wrong.  Names that the same person
has logged in with count as one.  Names, never networks: an office behind one address is not
punished for one of its people.  What it remembers of a password longer than that tells the
directory which ones may be sent when its own count comes near a lock-out.

:class:`ProvedPasswords` is the credential cache, off unless configured: the last password of a name
that was right, for a short time.  A new one misses and is asked about at once; its first success
takes the place of the old one.

Both keep digests under a key of this server, in memory only, bounded; the workers of a server
remember together.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from mailhub.interfaces import BadCredentials, TooManyAttempts
from mailhub.model.directory import NO_PAST, Past
from mailhub.model.mail import AccountId
from mailhub.net.digests import Digests, one_spelling
from mailhub.net.notes import KEY
from mailhub.net.shared import Kind, Shared

MAX_NAMES = 20_000
"""In the cache at once; the longest untouched is forgotten first."""


class LockoutGuard:
    """*window* in seconds, 0: off; *most* different wrong passwords within it, 0: any number.

    *directory* is the name of the one that it guards.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        window: float,
        most: int,
        shared: Shared | None = None,
        directory: str = "",
    ) -> None:
        shared = shared or Shared()
        self._clock = clock
        self._window = window
        self._most = most
        self._digests = Digests(shared.secret, f"guard of {directory}")
        self._wrong = shared.notes[Kind.KEPT_BACK]
        self._asked = shared.notes[Kind.ASKED]
        self._right = shared.notes[Kind.RIGHT]
        self._people = shared.notes[Kind.PEOPLE]

    def check(self, name: str, digest: bytes) -> None:
        """Raises BadCredentials, TooManyAttempts: do not ask the directory."""
        key = self._key(name)
        if self._window <= 0 or self._right.last(key) == digest[:KEY]:
            return
        wrong = self._lately(key)
        if digest[:KEY] in wrong:
            raise BadCredentials("the same wrong password again; not sent to the directory")
        if self._most and len(wrong) >= self._most:
            raise TooManyAttempts(
                f"{len(wrong)} different wrong passwords lately; no more are sent to the directory"
            )

    def begin(self, name: str, digest: bytes, seconds: float) -> bool:
        """Whether to ask now; False: another process is asking.

        It is ours for so many *seconds*, or until :meth:`ended`.  What was right last is waited for
        by nobody: it is hardly wrong.
        """
        key, mark = self._key(name), digest[:KEY]
        if self._window <= 0 or self._right.last(key) == mark:
            return True
        now = self._clock()
        with self._asked.marks(key) as marks:
            if marks.since(now).get(mark) is not None:
                return False
            marks.put(mark, now + seconds)
        return True

    def ended(self, name: str, digest: bytes) -> None:
        if self._window > 0:
            with self._asked.marks(self._key(name)) as marks:
                marks.drop(digest[:KEY])

    def past(self, name: str, digest: bytes) -> Past:
        """When this password was right and wrong last, as far as it is remembered."""
        if self._window <= 0:
            return NO_PAST
        key, mark = self._key(name), digest[:KEY]
        with self._right.marks(key) as marks:
            right = marks.since(0.0).get(mark, 0.0)
        with self._wrong.marks(key) as marks:
            return Past(right, marks.since(0.0).get(mark, 0.0))

    def wrong(self, name: str, digest: bytes) -> None:
        if self._window > 0:
            key, mark = self._key(name), digest[:KEY]
            with self._wrong.marks(key) as marks:
                marks.put(mark, self._clock())
            with self._right.marks(key) as marks:  # it has been changed
                marks.drop(mark)

    def right(self, name: str, digest: bytes, person: str) -> None:
        """Whoever logs in starts afresh, but what was wrong lately still is."""
        if self._window > 0:
            key, mark = self._merged(name, person), digest[:KEY]
            self._right.only(key, mark, self._clock())
            with self._wrong.marks(key) as marks:
                marks.drop(mark)

    def _merged(self, name: str, person: str) -> bytes:
        """What is known of *name* is known of *person* from now on."""
        own, theirs = self._own_key(name), self._digests.of("person", person)[:KEY]
        self._people.only(own, theirs, self._clock())
        with self._wrong.marks(own) as marks:
            earlier = marks.since(0.0)
            marks.drop()
        with self._wrong.marks(theirs) as marks:
            for mark, when in earlier.items():
                marks.put(mark, when)
        return theirs

    def _lately(self, key: bytes) -> dict[bytes, float]:
        start = self._clock() - self._window
        with self._wrong.marks(key) as marks:
            return {mark: when for mark, when in marks.since(start).items() if when > start}

    def _key(self, name: str) -> bytes:
        own = self._own_key(name)
        return self._people.last(own) or own

    def _own_key(self, name: str) -> bytes:
        return self._digests.of("name", one_spelling(name))[:KEY]


class ProvedPasswords:
    """Remembers for *seconds* (0: not at all).

    Each worker remembers whose a name was, all together which password of an account was the last.
    """

    def __init__(
        self, clock: Callable[[], float], seconds: float, shared: Shared | None = None
    ) -> None:
        shared = shared or Shared()
        self._clock = clock
        self._seconds = seconds
        self._digests = Digests(shared.secret, "cache")
        self._last = shared.notes[Kind.CACHED]
        self._names: OrderedDict[str, tuple[bytes, AccountId, float]] = OrderedDict()
        self._of_account: dict[AccountId, set[str]] = {}

    def account(self, name: str, digest: bytes) -> AccountId | None:
        """Whose password it was a moment ago."""
        known = self._names.get(name.casefold())
        if known is None or known[0] != digest:
            return None
        if known[2] > self._clock() and self._last.last(self._key(known[1])) == digest[:KEY]:
            return known[1]
        self._forget(name.casefold())
        return None

    def remember(self, name: str, digest: bytes, account: AccountId) -> None:
        """All other passwords of the account, under whatever name, are forgotten."""
        if self._seconds <= 0:
            return
        self._last.only(self._key(account), digest[:KEY], self._clock())
        name = name.casefold()
        for other in [*self._of_account.get(account, ()), name]:
            if other == name or self._names[other][0] != digest:
                self._forget(other)
        self._names[name] = (digest, account, self._clock() + self._seconds)
        self._of_account.setdefault(account, set()).add(name)
        if len(self._names) > MAX_NAMES:
            self._forget(next(iter(self._names)))

    def _key(self, account: AccountId) -> bytes:
        return self._digests.of(account)[:KEY]

    def _forget(self, name: str) -> None:
        known = self._names.pop(name, None)
        if known is None:
            return
        names = self._of_account[known[1]]
        names.discard(name)
        if not names:
            del self._of_account[known[1]]

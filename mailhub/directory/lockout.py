"""Passwords are not sent that would lock somebody out of the directory.

Before a person's bind it is read how many wrong passwords the directory counts for them, and by
the policy that holds for them, how many lock (:mod:`.counting`).  One that was right since the
password was changed last cannot be wrong and is always sent.  What cannot be read is not guessed
at: then what mailhub itself remembers is the only bound (:mod:`mailhub.auth.guard`).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mailhub.config.options import DirectoryConfig
from mailhub.directory.attempts import Attempts
from mailhub.directory.counting import (
    PRODUCTS,
    Limits,
    Product,
    is_locked,
    is_next_to_last,
    refuse_to_send,
    surely_right,
)
from mailhub.directory.finding import Finder
from mailhub.directory.servers import ROOT, Deadline
from mailhub.directory.troubles import Kind, Refused, Trouble
from mailhub.directory.values import texts
from mailhub.directory.wire import Ask, Entry
from mailhub.model.directory import Past, canonical_dn
from mailhub.model.steps import Hearer

REMEMBERED_SECONDS = 600.0
MAX_REMEMBERED = 1000
"""Policies."""
_RDN = re.compile(r"(?:\\.|[^,\\])+", re.DOTALL)
_ITSELF = "(|(objectClass=*)(objectClass=ldapSubentry))"
"""389 DS hides its policies from whoever does not ask for them by name."""
_UNREADABLE = frozenset({Kind.BASE, Kind.RIGHTS, Kind.REFUSED, Kind.LIMIT})
_STEP = "lock-out"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A bind that may be sent; ``entry`` is the person's, not older than the last attempt."""

    entry: Entry
    limits: Limits | None = None

    @property
    def is_locked(self) -> bool:
        """Whether the directory looks at no password now."""
        return is_locked(self.entry, self.limits, time.time())


class Lockout:
    """Of one directory, which is in full; every method may be called from any thread."""

    def __init__(self, directory: DirectoryConfig, finder: Finder, attempts: Attempts) -> None:
        self._directory = directory
        self._finder = finder
        self._attempts = attempts
        self._product = PRODUCTS.get(directory.lockout_counter)
        self._policies = Policies(directory, finder, self._product) if self._product else None
        self.counters = self._product.person if self._product else ()
        """Attributes to be read of whoever is going to try a password."""

    @contextmanager
    def attempt(
        self, found: Entry, asked: float, past: Past, deadline: Deadline, steps: Hearer
    ) -> Iterator[Attempt]:
        """For one bind, whose name *found* is, which was asked for at *asked* (monotonic).

        Raises Refused, Trouble.
        """
        limits = self._limits(found, deadline, steps)
        if self._product is None or limits is None or surely_right(self._product, found, past):
            yield Attempt(found, limits)
            return
        who = f"{self._directory.name} {canonical_dn(found.dn)}"
        with self._attempts.turn(who, deadline) as turn:
            entry = self._again(found, deadline, steps) if turn.since(asked) else found
            self._judge(self._product, entry, limits, past, steps)
            turn.note()
            try:
                yield Attempt(entry, limits)
            finally:
                turn.note()

    def explain(self, entry: Entry, deadline: Deadline, steps: Hearer) -> None:
        """How near the owner of *entry* is to a lock-out, for whoever sends no password."""
        limits = self._limits(entry, deadline, steps)
        if self._product is not None and limits is not None:
            failures = self._product.failures(entry, limits, time.time())
            is_last = failures and is_next_to_last(self._product, entry, limits, failures)
            outcome = "only a password known to be right is sent" if is_last else "open"
            steps.add(_STEP, **_facts(limits, failures), outcome=outcome)

    def policy_for(self, entry: Entry, deadline: Deadline, steps: Hearer) -> Limits | None:
        """None: this product counts nothing.  Raises Unreadable, Trouble."""
        return None if self._policies is None else self._policies.of(entry, deadline, steps)

    def _limits(self, entry: Entry, deadline: Deadline, steps: Hearer) -> Limits | None:
        """None also when nobody is locked out, or nobody can say."""
        try:
            limits = self.policy_for(entry, deadline, steps)
        except Unreadable as unreadable:
            self._finder.tell_once(_STEP, str(unreadable))
            steps.add(_STEP, outcome="not known", reason=str(unreadable))
            return None
        return limits if limits is not None and limits.most else None

    def _judge(
        self, product: Product, entry: Entry, limits: Limits, past: Past, steps: Hearer
    ) -> None:
        now = time.time()
        facts = _facts(limits, product.failures(entry, limits, now))
        try:
            refuse_to_send(product, entry, limits, past, now)
        except Refused as refused:
            steps.add(_STEP, **facts, outcome=str(refused))
            raise
        steps.add(_STEP, **facts, outcome="the password is sent")

    def _again(self, found: Entry, deadline: Deadline, steps: Hearer) -> Entry:
        wanted = (*self._finder.wanted, *self.counters)
        ask = Ask(found.dn, "(objectClass=*)", wanted, scope="base")
        entry = self._finder.only(self._finder.search(ask, deadline, steps), found.dn)
        if entry is None:
            raise Trouble(Kind.BASE, f"{found.dn} was found and is gone")
        return entry


def _facts(limits: Limits, failures: int) -> dict[str, object]:
    return {"policy": limits.policy, "locks after": limits.most, "counted": failures}


# --- policies -----------------------------------------------------------------------------


class Unreadable(Exception):
    """Why it cannot be said what locks somebody out."""


class Policies:
    """Each is read once in a while."""

    def __init__(self, directory: DirectoryConfig, finder: Finder, product: Product) -> None:
        self._directory = directory
        self._finder = finder
        self._product = product
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Limits | Unreadable]] = {}

    def of(self, person: Entry, deadline: Deadline, steps: Hearer) -> Limits:
        """Raises Unreadable, Trouble."""
        named = next(iter(texts(person, self._product.named_by)), "")
        base = named or self._directory.lockout_policy or self._fixed(person)
        key, now = canonical_dn(base), time.monotonic()
        with self._lock:
            until, limits = self._known.get(key, (0.0, None))
        if limits is None or until <= now:
            limits = self._read(base, person, deadline, steps, theirs=bool(named))
            with self._lock:
                if len(self._known) >= MAX_REMEMBERED:
                    self._known.clear()
                self._known[key] = now + REMEMBERED_SECONDS, limits
        if isinstance(limits, Unreadable):
            raise Unreadable(*limits.args)
        return limits

    def _read(
        self, base: str, person: Entry, deadline: Deadline, steps: Hearer, *, theirs: bool
    ) -> Limits | Unreadable:
        which = f"the lock-out policy {base}" if base else "everybody's lock-out policy"
        try:
            found = self._search(self._ask(base, person, deadline, steps), deadline, steps)
        except Trouble as trouble:
            if trouble.kind not in _UNREADABLE:
                raise
            return Unreadable(f"{which}: {trouble}")
        if len(found) > 1:
            names = "; ".join(sorted(entry.dn for entry in found))
            text = f"there are several lock-out policies, {names}"
            return Unreadable(f"{text}: lockout_policy says which is everybody's")
        if found:
            hidden = "" if theirs else self._hidden(found[0])
            if hidden:
                return Unreadable(f"{which}: {hidden} may not be read")
            return self._product.limits(found[0])
        if not base and self._directory.lockout_counter == "ppolicy":
            return Limits("", 0)  # the overlay without a policy locks nobody
        return Unreadable(f"{which} is not there, or may not be read")

    def _hidden(self, policy: Entry) -> str:
        """What everybody's policy must have and *policy* has not."""
        is_there = not self._product.always or any(texts(policy, n) for n in self._product.always)
        return "" if is_there else self._product.always[0]

    def _ask(self, base: str, person: Entry, deadline: Deadline, steps: Hearer) -> Ask:
        if base:
            return Ask(base, _ITSELF, self._product.policy, scope="base")
        context = self._context(person, deadline, steps)
        return Ask(context, self._product.everybodys, self._product.policy, size_limit=2)

    def _search(self, ask: Ask, deadline: Deadline, steps: Hearer) -> Sequence[Entry]:
        found = self._finder.search(ask, deadline, steps)
        return [entry for entry in found if any(entry.values.values())]

    def _fixed(self, person: Entry) -> str:
        match self._directory.lockout_counter:
            case "389ds":
                return "cn=config"
            case "active-directory":
                return domain_of(person.dn)
        return ""

    def _context(self, person: Entry, deadline: Deadline, steps: Hearer) -> str:
        """The naming context that *person* is in; a template needs no user_base."""
        own = canonical_dn(person.dn)
        root = self._finder.search(ROOT, deadline, steps)
        contexts = [name for entry in root for name in texts(entry, "namingContexts")]
        theirs = [c for c in contexts if c and own.endswith(canonical_dn(c))]
        return max(theirs, key=len, default=self._directory.user_base or person.dn)


def domain_of(dn: str) -> str:
    """The domain of Active Directory that an entry is in: the DC parts at the end of its name."""
    domain: list[str] = []
    for part in _RDN.findall(dn):
        domain = [*domain, part] if part.strip().casefold().startswith("dc=") else []
    return ",".join(domain)

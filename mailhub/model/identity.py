"""Accounts whose owners a directory knows: what is kept of that, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass

from mailhub.model.directory import Person, Standing
from mailhub.model.mail import AccountId, Recipient

SUSPENDED = frozenset((Standing.DISABLED, Standing.EXPIRED))
"""Standings of an account; the others are about its password only."""


@dataclass(frozen=True, slots=True)
class Identity:
    """``person`` is as the directory described it at ``seen`` (seconds since 1970).

    ``person.attributes`` is empty: they are for explanations, and may be anything.
    """

    number: int
    """The account's, as the bell counts."""
    account: AccountId
    person: Person
    blocked: int | None
    """Since when the directory suspends the account, and that counts."""
    welcomed: bool
    """Its standard folders have been made."""
    seen: int
    gone: int | None
    """Since when the directory does not know the person, and that counts."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of a person's account.  ``changes`` are sentences for the log."""

    identity: Identity
    address: str = ""
    """The account's own; empty when nothing was to be changed."""
    created: bool = False
    changes: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    """Addresses that belong to somebody else, and to whom."""


class Contested(Exception):
    """*other* of the same directory has an address that this person has now."""

    def __init__(self, address: str, other: Identity) -> None:
        super().__init__(address)
        self.address = address
        self.other = other


@dataclass(frozen=True, slots=True)
class Known:
    """An address that somebody here has.  ``recipient`` None: a suspended one."""

    recipient: Recipient | None
    identity: Identity | None
    """None: a local account's."""


@dataclass(frozen=True, slots=True)
class Walk:
    """One of them: ``started`` in seconds since 1970; a later one has a greater ``number``."""

    number: int
    started: int


@dataclass(frozen=True, slots=True)
class Trust:
    """What is known of walks through a directory; times are seconds since 1970.

    ``distrusted``: since when so many people are missing or disabled (``losses`` of ``people``)
    that it is taken for a mistake.
    """

    walk: int = 0
    started: int | None = None
    finished: int | None = None
    distrusted: int | None = None
    losses: int = 0
    people: int = 0
    trusted: bool = False
    """An administrator says that the next walk's losses are right."""

"""Which names LIST returns, and with which attributes.  RFC 9051 6.3.9, RFC 5258, RFC 6154.

Pure: from an account's names to the lines of the answer.  A name is selected by the patterns and
the selection options together; RECURSIVEMATCH adds those parents of selected names that match a
pattern, with CHILDINFO (9051 6.3.9.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailhub.imap.patterns import Pattern
from mailhub.model.mail import MailboxEntry, SpecialUse
from mailhub.model.names import MailboxName, parents

SUBSCRIBED, SPECIAL_USE = "SUBSCRIBED", "SPECIAL-USE"
BASE_OPTIONS = (SUBSCRIBED, SPECIAL_USE)
"""Selection options that choose names; the others only change what these do."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for.  ``select`` holds base options."""

    patterns: tuple[Pattern, ...]
    select: frozenset[str] = frozenset()
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """One name of the answer.  ``childinfo``: options that selected some name below it.

    Not ``chosen``: it is there for its childinfo only.
    """

    entry: MailboxEntry
    chosen: bool = True
    childinfo: tuple[str, ...] = ()


def listed(names: Sequence[MailboxEntry], wanted: Selection) -> Iterator[Listed]:
    """The answer, in the order of the names."""
    chosen = {entry.name for entry in names if _chosen(entry, wanted)}
    below = _parents_of(chosen) if wanted.recursive else set[MailboxName]()
    known = {entry.name for entry in names}
    names = [*names, *(MailboxEntry(name, None, False) for name in sorted(below - known))]
    told = {name for name in chosen if any(p.matches(name) for p in wanted.patterns)}
    redundant = _only_parents_of(told, chosen, below)
    for entry in names:
        if entry.name in chosen:
            if entry.name in told and _visible(entry, wanted):
                yield Listed(entry, True, _childinfo(entry.name in below, wanted))
        elif entry.name in below - redundant and any(
            p.matches(entry.name) for p in wanted.patterns
        ):
            yield Listed(entry, False, _childinfo(True, wanted))


def _chosen(entry: MailboxEntry, wanted: Selection) -> bool:
    """By the selection options alone."""
    if SUBSCRIBED in wanted.select and not entry.subscribed:
        return False
    if SPECIAL_USE in wanted.select and not entry.special_use:
        return False
    return bool(wanted.select) or entry.id is not None or entry.has_children


def _visible(entry: MailboxEntry, wanted: Selection) -> bool:
    """A name that is only the parent of others shows where levels are asked for."""
    if entry.id is not None or wanted.select:
        return True
    return any((p.ends_with_level or p.plain) and p.matches(entry.name) for p in wanted.patterns)


def _parents_of(names: set[MailboxName]) -> set[MailboxName]:
    return {parent for name in names for parent in parents(name)}


def _only_parents_of(
    told: set[MailboxName], chosen: set[MailboxName], below: set[MailboxName]
) -> set[MailboxName]:
    """Parents all of whose chosen descendants are told anyway: CHILDINFO would be redundant."""
    return below - _parents_of(chosen - told)


def _childinfo(has_below: bool, wanted: Selection) -> tuple[str, ...]:
    if not (wanted.recursive and has_below):
        return ()
    return tuple(option for option in BASE_OPTIONS if option in wanted.select)


def attributes(entry: MailboxEntry, *, missing: str, subscribed: bool) -> list[str]:
    """The attributes of a name; *missing* marks one that does not exist.

    Children and special use are told without being asked for: some clients never ask.
    """
    found = [] if entry.id is not None else [missing]
    found.append("\\HasChildren" if entry.has_children else "\\HasNoChildren")
    if subscribed and entry.subscribed:
        found.append("\\Subscribed")
    found += [use.value for use in SpecialUse if use in entry.special_use]
    return found

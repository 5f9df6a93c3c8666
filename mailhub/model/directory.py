"""People as an organisation's directory describes them, whatever product it is."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NewType

PersonId = NewType("PersonId", str)
"""entryUUID, objectGUID, nsUniqueId ... in one spelling.  It survives every rename and move; a
name that is given to somebody else comes with another id."""


_DN_PIECE = re.compile(r"((?:\\[0-9a-fA-F]{2})+)|\\(.)|\s*([,+=])\s*|(^\s+|\s+$)|(.)", re.DOTALL)


class Standing(enum.Enum):
    """What a directory says of a person's account; anything but ACTIVE keeps it from log-in."""

    ACTIVE = "active"
    DISABLED = "disabled"
    LOCKED = "locked"
    """After too many wrong passwords; passes by itself or is lifted by an administrator."""
    EXPIRED = "expired"
    """The account, not the password."""
    PASSWORD_EXPIRED = "password expired"  # noqa: S105 - a state
    PASSWORD_MUST_CHANGE = "password must be changed"  # noqa: S105 - a state


@dataclass(frozen=True, slots=True)
class Group:
    """``dn`` as the directory spells it, ``name`` its common name."""

    dn: str
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """One entry.  None: the directory does not say."""

    directory: str
    """Name of the directory in the configuration."""
    id: PersonId
    dn: str
    addresses: tuple[str, ...]
    """As spelt there; the first is the primary one, the others are aliases."""
    name: str = ""
    standing: Standing = Standing.ACTIVE
    quota_octets: int | None = None
    quota_messages: int | None = None
    protocols: frozenset[str] | None = None
    groups: frozenset[Group] = frozenset()
    """Nested ones included, as far as the directory is set up to look for them."""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What was read, for explanations; never a secret."""


@dataclass(frozen=True, slots=True)
class Past:
    """When this very password of somebody was right and wrong last, in seconds since 1970.

    0: never, as far as is known.
    """

    right: float = 0.0
    wrong: float = 0.0


NO_PAST = Past()


@dataclass(frozen=True, slots=True)
class People:
    """A page of a directory; ``cookie`` asks for the next one, None: this was the last."""

    people: Sequence[Person]
    cookie: bytes | None


@functools.lru_cache(10_000)  # a few groups have many members
def canonical_dn(dn: str) -> str:
    """One spelling for all of a DN that differ in case, escapes and spaces only (RFC 4514 3)."""
    return "".join(map(_dn_piece, _DN_PIECE.finditer(dn))).casefold()


def _dn_piece(found: re.Match[str]) -> str:
    octets, escaped, separator, margin, plain = found.groups()
    if separator or margin:
        return separator or ""
    text = escaped or plain
    if octets:
        text = bytes.fromhex(octets.replace("\\", "")).decode("utf-8", "backslashreplace")
    return "".join(f"\\{c}" if c in ',+=\\"<>;# ' else c for c in text)

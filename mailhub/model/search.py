"""What a search asks for, independent of the protocol that asked (RFC 9051 6.4.4).

A query is a tree of frozen nodes.  Whatever depends on a session (sequence numbers, ``$``,
``\\Recent``) has been turned into UIDs before a query reaches the store.  Text is Unicode and
compares as i;unicode-casemap does (RFC 5051), as a substring.
"""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass

from mailhub.model.numbers import NumberSet


class DateField(enum.Enum):
    INTERNAL = "internal"  # when it was received: BEFORE, ON, SINCE
    SENT = "sent"  # its Date field: SENTBEFORE, SENTON, SENTSINCE
    SAVED = "saved"  # when it came into this mailbox: RFC 8514


@dataclass(frozen=True, slots=True)
class Everything:
    pass


@dataclass(frozen=True, slots=True)
class HasFlag:
    """A system flag in canonical spelling, or a keyword in any case."""

    name: str


@dataclass(frozen=True, slots=True)
class UidIn:
    uids: NumberSet


@dataclass(frozen=True, slots=True)
class OnDays:
    """first <= day < end, either end open; the day is the one in the date's own time zone."""

    field: DateField
    first: datetime.date | None
    end: datetime.date | None


@dataclass(frozen=True, slots=True)
class ReceivedBetween:
    """after <= INTERNALDATE < before, in seconds since 1970 (YOUNGER and OLDER, RFC 5032)."""

    after: int | None
    before: int | None


@dataclass(frozen=True, slots=True)
class SizeAbove:
    octets: int


@dataclass(frozen=True, slots=True)
class SizeBelow:
    octets: int


@dataclass(frozen=True, slots=True)
class HeaderContains:
    """The named field exists and contains *text* (empty text: it only has to exist)."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class BodyContains:
    text: str


@dataclass(frozen=True, slots=True)
class TextContains:
    """Header or body."""

    text: str


@dataclass(frozen=True, slots=True)
class ModSeqAtLeast:
    """RFC 7162 3.1.5."""

    modseq: int


@dataclass(frozen=True, slots=True)
class EmailIdIs:
    value: str


@dataclass(frozen=True, slots=True)
class ThreadIdIs:
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    query: Query


@dataclass(frozen=True, slots=True)
class And:
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Or:
    queries: tuple[Query, ...]


Query = (
    Everything
    | HasFlag
    | UidIn
    | OnDays
    | ReceivedBetween
    | SizeAbove
    | SizeBelow
    | HeaderContains
    | BodyContains
    | TextContains
    | ModSeqAtLeast
    | EmailIdIs
    | ThreadIdIs
    | Not
    | And
    | Or
)

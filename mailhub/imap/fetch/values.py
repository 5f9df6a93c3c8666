"""Columns of stored values to the bytes that FETCH shows for them.

Everything here works on whole columns, because a FETCH of 100,000 messages must not cost a
Python function call per message and item; what repeats (flag sets, days, zones) is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache

from mailhub.model.flags import flag_names
from mailhub.model.numbers import NumberSet

SECONDS_PER_DAY = 86_400
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
MAX_REMEMBERED_MASKS = 4_096
MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov")
MONTHS += (b"Dec",)


class FlagTexts(dict[int, bytes]):
    """Flag mask to the flags' names with spaces between, filled as masks turn up."""

    def __init__(self, keywords: tuple[str, ...], prefix: bytes = b"") -> None:
        super().__init__()
        self._keywords = keywords
        self._prefix = prefix

    def __missing__(self, mask: int) -> bytes:
        if len(self) >= MAX_REMEMBERED_MASKS:
            self.clear()
        names = [name.encode() for name in flag_names(mask, self._keywords)]
        text = b" ".join([self._prefix, *names] if self._prefix else names)
        self[mask] = text
        return text


@lru_cache(maxsize=64)
def flag_texts(keywords: tuple[str, ...], *, recent: bool = False) -> FlagTexts:
    """The texts for mailboxes with these *keywords*; shared by all sessions."""
    return FlagTexts(keywords, b"\\Recent" if recent else b"")


def flags(
    uids: Sequence[int], masks: Sequence[int], keywords: tuple[str, ...], recent: NumberSet
) -> Iterable[bytes]:
    """The flags of each message; those of *recent* are \\Recent as well (3501 2.3.2)."""
    texts = flag_texts(keywords)
    if not recent or not uids or uids[-1] < recent.lowest:
        return map(texts.__getitem__, masks)
    fresh = flag_texts(keywords, recent=True)
    if len(recent.ranges) == 1:
        low, high = recent.ranges[0]
        return [
            fresh[m] if low <= uid <= high else texts[m] for uid, m in zip(uids, masks, strict=True)
        ]
    return [(fresh if uid in recent else texts)[m] for uid, m in zip(uids, masks, strict=True)]


@lru_cache(maxsize=8_192)
def _day(days: int) -> bytes:
    """``dd-Mon-yyyy``, the day padded with a space (9051 9: date-day-fixed)."""
    ordinal = min(max(days + EPOCH_ORDINAL, 1), date.max.toordinal())
    day = date.fromordinal(ordinal)
    return b"%2d-%b-%04d" % (day.day, MONTHS[day.month - 1], day.year)


@lru_cache(maxsize=4_096)
def _zone(minutes: int) -> bytes:
    hours, rest = divmod(abs(minutes), 60)
    return b"%b%02d%02d" % (b"-" if minutes < 0 else b"+", hours, rest)


def date_time(seconds: int, zone: int) -> bytes:
    """*seconds* since 1970 as the clock showed it *zone* minutes east of Greenwich, unquoted."""
    days, rest = divmod(seconds + 60 * zone, SECONDS_PER_DAY)
    minutes, second = divmod(rest, 60)
    return b"%b %02d:%02d:%02d %b" % (_day(days), *divmod(minutes, 60), second, _zone(zone))

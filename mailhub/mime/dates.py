"""The Date field, in all the forms it comes in (RFC 5322 3.3 and the obsolete 4.3).

Besides what the RFCs allow: asctime's order, ISO 8601, missing or spelled-out weekdays and
months, missing seconds or zones, zone names in parentheses.  A date that does not exist is None.
"""

from __future__ import annotations

import datetime
import re
from typing import NamedTuple

_MONTHS = {
    name: number
    for number, name in enumerate(
        b"jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1
    )
}
# 5322 4.3; military letters say nothing reliable (except Z), nor do other names: like -0000.
_ZONES = {
    b"edt": -240,
    b"est": -300,
    b"cdt": -300,
    b"cst": -360,
    b"mdt": -360,
    b"mst": -420,
    b"pdt": -420,
    b"pst": -480,
    b"bst": 60,
    b"cet": 60,
    b"met": 60,
    b"cest": 120,
    b"mest": 120,
    b"eet": 120,
    b"eest": 180,
    b"msk": 180,
    b"jst": 540,
    b"kst": 540,
}
_TIME = rb"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?(?:[.,]\d+)?"
_ZONE = rb"(?:[ \t]*(?P<sign>[+-])(?P<zh>\d{1,2}):?(?P<zm>\d{2})|[ \t]+(?P<zone>[A-Za-z]{1,5}))?"
_MONTH = rb"(?P<month>[A-Za-z]{3})[A-Za-z]*\.?"
_FORMS = (
    re.compile(
        rb"[ \t]*(?:[A-Za-z]+[.,]*[ \t]*,?[ \t]*)?(?P<day>\d{1,2})[ \t.-]+"
        + _MONTH
        + rb"[ \t,-]+(?P<year>\d{2,4})[ \t,]+"
        + _TIME
        + _ZONE
    ),
    re.compile(  # Mon Nov 23 22:28:24 [zone] 2026
        rb"[ \t]*(?:[A-Za-z]+,?[ \t]+)?"
        + _MONTH
        + rb"[ \t]+(?P<day>\d{1,2}),?[ \t]+"
        + _TIME
        + rb"(?:[ \t]+[A-Za-z]{1,5})??[ \t]+(?P<year>\d{4})"
        + _ZONE
    ),
    re.compile(
        rb"[ \t]*(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})[T \t]+"
        + _TIME
        + rb"(?:(?P<utc>[Zz])|"
        + _ZONE
        + rb")"
    ),
)
_comments = re.compile(rb"\([^()]*\)?").sub
MAX_OCTETS = 200
"""More of the field is not looked at, which bounds the work for one that is made of spaces."""

_EPOCH = datetime.date(1970, 1, 1).toordinal()
FIRST_YEAR, LAST_YEAR = 1900, 9998
"""5322 3.3 starts in 1900; in 9999 a zone could lead out of what calendars can show."""


class SentDate(NamedTuple):
    seconds: int
    zone_minutes: int


def parse(text: bytes) -> SentDate | None:
    plain = text[:MAX_OCTETS]
    if b"(" in plain:
        plain = _comments(b" ", plain)
    for form in _FORMS:
        match = form.match(plain)
        if match is not None:
            return _date(match.groupdict())
    return None


def _date(found: dict[str, bytes | None]) -> SentDate | None:
    month = found["month"] or b""
    number = int(month) if month.isdigit() else _MONTHS.get(month.lower(), 0)
    year = _year(found["year"] or b"")
    try:
        day = datetime.date(year, number, int(found["day"] or 0)).toordinal() - _EPOCH
    except ValueError:
        return None
    hour, minute = int(found["hour"] or 0), int(found["minute"] or 0)
    second = int(found["second"] or 0)
    if not FIRST_YEAR <= year <= LAST_YEAR or hour > 23 or minute > 59 or second > 60:
        return None
    zone = _zone(found)
    return SentDate(day * 86400 + hour * 3600 + minute * 60 + second - zone * 60, zone)


def _year(digits: bytes) -> int:  # 5322 4.3
    year = int(digits)
    if len(digits) == 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if len(digits) == 3 else year


def _zone(found: dict[str, bytes | None]) -> int:
    if found["sign"] is None:
        return _ZONES.get((found["zone"] or b"").lower(), 0)
    minutes = int(found["zh"] or 0) * 60 + int(found["zm"] or 0)
    if minutes >= 24 * 60:  # no such place; without a zone the day is at least nearly right
        return 0
    return -minutes if found["sign"] == b"-" else minutes

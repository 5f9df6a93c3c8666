"""Dates on the wire: INTERNALDATE and APPEND's date-time, and SEARCH's days.  RFC 9051 9.

The day may come with a leading space, a leading zero or neither: clients use all three.
"""

from __future__ import annotations

import calendar
import datetime
import re
from functools import lru_cache

from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.model.mail import InternalDate

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(_MONTHS, 1)}
_DATE = r" ?(\d{1,2})-([A-Za-z]{3})-(\d{4})"
_DAY = re.compile(_DATE + r"\Z", re.ASCII)
_DATE_TIME = re.compile(_DATE + r" (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\Z", re.ASCII)
_LAST_ZONE = 14 * 60 + 59


def parse_day(text: str) -> datetime.date:
    """``7-Feb-1994``.  Raises SyntaxRefused."""
    match = _DAY.match(text)
    if match is None:
        raise SyntaxRefused("Not a date")
    return _day(match)


def parse_date_time(text: str) -> InternalDate:
    """``17-Jul-1996 02:44:25 -0700``.  Raises SyntaxRefused."""
    match = _DATE_TIME.match(text)
    if match is None:
        raise SyntaxRefused("Not a date and time")
    day = _day(match)
    hour, minute, second = int(match[4]), int(match[5]), int(match[6])
    zone = int(match[8]) * 60 + int(match[9])
    # 60 is a leap second (RFC 5322 3.3).
    if hour > 23 or minute > 59 or second > 60 or int(match[9]) > 59 or zone > _LAST_ZONE:
        raise SyntaxRefused("There is no such time")
    zone = -zone if match[7] == "-" else zone
    local = calendar.timegm((day.year, day.month, day.day, hour, minute, second))
    return InternalDate(local - zone * 60, zone)


def _day(match: re.Match[str]) -> datetime.date:
    try:
        month = _MONTH_NUMBERS[match[2].lower()]
        return datetime.date(int(match[3]), month, int(match[1]))
    except (KeyError, ValueError):
        raise SyntaxRefused("There is no such date") from None


def format_date_time(seconds: int, zone_minutes: int) -> bytes:
    """The quoted date-time of INTERNALDATE; the day is padded with a space (9051 9)."""
    minutes, second = divmod(seconds + zone_minutes * 60, 60)
    day, minute = divmod(minutes, 1440)
    return b'"%b %b:%b %b"' % (
        _format_day(day),
        _CLOCK[minute],
        _SECONDS[second],
        _format_zone(zone_minutes),
    )


# Every message of a list has a date: looking numbers up takes half as long as formatting them.
_CLOCK = [b"%02d:%02d" % divmod(minute, 60) for minute in range(1440)]
_SECONDS = [b"%02d" % second for second in range(60)]


@lru_cache(maxsize=4096)
def _format_day(days: int) -> bytes:
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=days)
    return b"%2d-%b-%04d" % (date.day, _MONTHS[date.month - 1].encode(), date.year)


@lru_cache(maxsize=256)
def _format_zone(minutes: int) -> bytes:
    sign = b"-" if minutes < 0 else b"+"
    return b"%b%02d%02d" % (sign, abs(minutes) // 60, abs(minutes) % 60)

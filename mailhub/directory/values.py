"""Reading the values of an entry: texts, numbers, and the two ways in which products write times.

Active Directory counts 100 ns since 1601 and writes lengths of time as negative numbers of them;
everybody else writes GeneralizedTime and seconds.
"""

from __future__ import annotations

from calendar import timegm
from time import strptime

from mailhub.directory.wire import Entry

NEVER = float("inf")
_TICKS = 10_000_000
_EPOCH_SECONDS = 11_644_473_600
"""From 1601 to 1970."""


def texts(entry: Entry, attribute: str) -> tuple[str, ...]:
    """The values as text; octets that are none are replaced."""
    return tuple(
        value.decode("utf-8", "replace") for value in entry.values.get(attribute.lower(), ())
    )


def truth(entry: Entry, attribute: str) -> bool:
    return bool({"TRUE", "ON"} & set(map(str.upper, texts(entry, attribute))))


def number(entry: Entry, attribute: str) -> int:
    """The first value; 0 when there is none or it is no number of 64 bits."""
    for value in texts(entry, attribute):
        try:
            found = int(value)
        except ValueError:
            return 0
        return found if abs(found) < 1 << 63 else 0
    return 0


def generalized(value: str) -> float:  # 4517 3.3.13
    """GeneralizedTime in UTC, as every server writes it, in seconds; never when it is not one."""
    try:
        return float(timegm(strptime(value.partition(".")[0].rstrip("Z"), "%Y%m%d%H%M%S")))
    except ValueError:
        return NEVER


def latest(entry: Entry, attribute: str) -> float:
    """The latest time of a GeneralizedTime attribute; 0 when there is none."""
    times = (generalized(value) for value in texts(entry, attribute))
    return max((time for time in times if time < NEVER), default=0.0)


def since_1601(ticks: int) -> float:
    """A time of Active Directory in seconds since 1970."""
    return ticks / _TICKS - _EPOCH_SECONDS


def interval(ticks: int) -> float:
    """A length of time of Active Directory in seconds."""
    return abs(ticks) / _TICKS

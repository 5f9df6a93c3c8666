"""date-time and date, RFC 9051 9."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.imap.wire.dates import format_date_time, parse_date_time, parse_day
from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.model.mail import InternalDate


@pytest.mark.parametrize(
    "text",
    [
        "",
        "17-Jul-1996",
        "17-Jul-1996 02:44:25",
        "17-Jul-1996 02:44:25 PDT",
        "17-Jul-1996 02:44:25 -070",
        "17-Jul-1996 2:44:25 -0700",
        "17-Jux-1996 02:44:25 -0700",
        "31-Feb-1996 02:44:25 -0700",
        "00-Feb-1996 02:44:25 -0700",
        "17-Jul-0000 02:44:25 -0700",
        "17-Jul-1996 24:00:00 -0700",
        "17-Jul-1996 02:60:00 -0700",
        "17-Jul-1996 02:44:61 -0700",
        "17-Jul-1996 02:44:25 +1500",
        "17-Jul-1996 02:44:25 +0160",
        "17-Jul-1996 02:44:25 -0700 ",
        "１７-Jul-1996 02:44:25 -0700",
        "  7-Jul-1996 02:44:25 -0700",
    ],
)
def test_what_is_no_date_time_is_refused(text: str) -> None:
    with pytest.raises(SyntaxRefused):
        parse_date_time(text)


@pytest.mark.parametrize(
    ("text", "seconds", "zone"),
    [
        ("17-Jul-1996 02:44:25 -0700", 837596665, -420),
        (" 7-Feb-1994 22:43:04 -0800", 760689784, -480),
        ("7-Feb-1994 22:43:04 -0800", 760689784, -480),
        ("07-feb-1994 22:43:04 -0800", 760689784, -480),
        ("01-JAN-1970 00:00:00 +0000", 0, 0),
        ("01-Jan-1970 05:30:00 +0530", 0, 330),
        ("31-Dec-1969 23:59:59 +0000", -1, 0),
    ],
)
def test_date_times_are_read(text: str, seconds: int, zone: int) -> None:
    assert parse_date_time(text) == InternalDate(seconds, zone)


@given(st.integers(-(10**10), 10**11), st.integers(-14 * 60, 14 * 60))
def test_a_written_date_time_reads_as_itself(seconds: int, zone: int) -> None:
    written = format_date_time(seconds, zone)

    assert len(written) == 28
    assert parse_date_time(written.decode()[1:-1]) == InternalDate(seconds, zone)


def test_the_day_is_padded_with_a_space() -> None:
    assert format_date_time(760689784, -480) == b'" 7-Feb-1994 22:43:04 -0800"'


@pytest.mark.parametrize(
    "text", ["", "1994", "7-Feb-94", "30-Feb-1994", "7-Feb-1994 ", "7 Feb 1994"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(SyntaxRefused):
        parse_day(text)


@pytest.mark.parametrize("text", ["7-Feb-1994", "07-Feb-1994", " 7-FEB-1994"])
def test_days_are_read(text: str) -> None:
    assert parse_day(text) == datetime.date(1994, 2, 7)

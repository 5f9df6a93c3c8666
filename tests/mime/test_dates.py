"""The Date field in all the forms it comes in (RFC 5322 3.3, 4.3)."""

from __future__ import annotations

import datetime
import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.mime.dates import parse

NOON = 1644321145  # 2022-02-08 11:52:25 UTC


@pytest.mark.parametrize(
    ("text", "seconds", "zone"),
    [
        ("Tue, 8 Feb 2022 11:52:25 +0000", NOON, 0),
        ("Tue, 08 Feb 2022 12:52:25 +0100", NOON, 60),
        ("Mon, 7 Feb 2022 21:52:25 -1400", NOON, -840),
        ("8 Feb 2022 11:52:25 -0000", NOON, 0),
        ("Tue,8 Feb 2022 11:52:25 GMT", NOON, 0),
        ("Tue, 8 Feb 2022 06:52:25 EST", NOON, -300),
        ("Tue, 8 Feb 2022 04:52:25 PDT", NOON, -420),
        ("Tue, 8 Feb 2022 11:52:25 Z", NOON, 0),
        ("Tue, 8 Feb 2022 11:52:25 A", NOON, 0),
        ("Tue, 8 Feb 2022 12:52:25 CET", NOON, 60),
        ("Tue, 8 Feb 2022 11:52:25 XYZ", NOON, 0),
        ("Tue, 8 Feb 2022 12:52:25 +0100 (CET)", NOON, 60),
        ("Tue (x), 8 (y) Feb 2022 12:52:25 +0100", NOON, 60),
        ("Tue, 8 Feb 2022 11:52:25", NOON, 0),
        ("Tue, 8 Feb 2022 11:52 +0000", NOON - 25, 0),
        ("Tue, 8 Feb 22 11:52:25 +0000", NOON, 0),
        ("Tue, 8 Feb 122 11:52:25 +0000", NOON, 0),
        ("Tuesday, 08-Feb-22 11:52:25 GMT", NOON, 0),
        ("tue, 8 FEBRUARY 2022 11:52:25 +0000", NOON, 0),
        ("  Tue ,  8  Feb  2022  11:52:25  +0000  ", NOON, 0),
        ("Tue Feb  8 11:52:25 2022", NOON, 0),
        ("Tue Feb  8 11:52:25 GMT 2022", NOON, 0),
        ("Tue Feb  8 12:52:25 2022 +0100", NOON, 60),
        ("2022-02-08T11:52:25Z", NOON, 0),
        ("2022-02-08 12:52:25.123+01:00", NOON, 60),
        ("2022-02-08 11:52:25", NOON, 0),
        ("Tue, 8 Feb 2022 11.52.25 +0000", NOON, 0),
        ("Tue, 8 Feb 2022 11:52:25.5 +0000", NOON, 0),
        ("Tue, 8 Feb 2022 11:52:25 +9999", NOON, 0),
        ("Fri, 30 Jun 2023 23:59:60 +0000", 1688169600, 0),
        ("Thu, 1 Jan 1970 00:00:00 +0000", 0, 0),
        ("Mon, 1 Jan 1900 00:00:00 +0000", -2208988800, 0),
        ("Fri, 21 Nov 97 09:55:06 -0600", 880127706, -360),
        ("Tue, 8 Feb 49 00:00:00 +0000", 2496355200, 0),
    ],
)
def test_dates(text: str, seconds: int, zone: int) -> None:
    assert parse(text.encode()) == (seconds, zone)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "Tue, 30 Feb 2022 11:52:25 +0000",
        "Tue, 0 Feb 2022 11:52:25 +0000",
        "Tue, 8 Foo 2022 11:52:25 +0000",
        "Tue, 8 Feb 2022 24:00:00 +0000",
        "Tue, 8 Feb 2022 11:60:00 +0000",
        "Tue, 8 Feb 2022 11:52:61 +0000",
        "Tue, 8 Feb 0000 11:52:25 +0000",
        "Tue, 8 Feb 1899 11:52:25 +0000",
        "Tue, 8 Feb 9999 11:52:25 +0000",
        "Tue, 8 Feb 2022",
        "2022-13-08 11:52:25",
        "Mon" + " " * 100_000,
        "\xff\0",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse(text.encode("latin-1")) is None


zones = st.integers(-14 * 60, 14 * 60).map(
    lambda m: datetime.timezone(datetime.timedelta(minutes=m))
)


@given(
    st.datetimes(datetime.datetime(1900, 1, 2), datetime.datetime(9998, 12, 30), timezones=zones)
)
def test_what_the_standard_library_writes_is_read(date: datetime.datetime) -> None:
    date = date.replace(microsecond=0)
    offset = date.utcoffset()
    assert offset is not None
    assert parse(email.utils.format_datetime(date).encode()) == (
        int(date.timestamp()),
        offset.total_seconds() // 60,
    )

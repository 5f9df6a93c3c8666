"""Trace lines put before a message that is analysed already."""

from __future__ import annotations

import pytest

from mailhub.mime.prepend import prepended
from mailhub.mime.scanner import analyse

TRACE = (
    b"Return-Path: <ann@example.com>\r\nDelivered-To: alice@example.org\r\n"
    b"Received: from x\r\n\tby y; Mon, 7 Feb 2022 21:52:25 -0800\r\n"
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"Subject: x\r\n\r\nbody",
        b" folded\r\nSubject: x\r\n\r\n",
        b"no header at all",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
        b"Subject: " + b"x" * 300 + b"\r\n\r\n" + b"y" * 70_000,
    ],
)
def test_is_the_analysis_of_the_longer_message(data: bytes) -> None:
    assert prepended(analyse(data), TRACE) == analyse(TRACE + data)


def test_nothing_before_a_message_changes_nothing() -> None:
    found = analyse(b"Subject: x\r\n\r\n")
    assert prepended(found, b"") is found


@pytest.mark.parametrize(
    "prefix",
    [
        b"Subject: x\r\n",
        b"Date: x\r\n",
        b"CONTENT-TYPE: x\r\n",
        b"Received: x",
        b"A: b\r\n\r\n",
        b"\n",
    ],
)
def test_other_lines_are_refused(prefix: bytes) -> None:
    with pytest.raises(ValueError):
        prepended(analyse(b"A: b\r\n\r\n"), prefix)

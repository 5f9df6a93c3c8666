"""SEARCH in headers and bodies (RFC 9051 6.4.4), decoded and casemapped."""

from __future__ import annotations

import base64

import pytest

from mailhub.mime.casemap import casemap
from mailhub.mime.searchtext import body_contains, header_contains, text_contains
from tests.mime.reading import crlf, table

HEADER = crlf(
    "From: =?utf-8?q?J=C3=B6rg?= Example <joerg@example.org>\nSubject: Hello beautiful\n world\n"
    "X-Empty:\nX-Twice: one\nX-Twice: two\n\n"
)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("From", "jörg example <JOERG"),
        ("FROM", "jo\u0308rg"),
        ("subject", "beautiful world"),
        ("Subject", ""),
        ("X-Empty", ""),
        ("X-Twice", "two"),
    ],
)
def test_headers_that_contain(field: str, text: str) -> None:
    assert header_contains(HEADER, field, casemap(text))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("From", "utf-8"),
        ("Fro", "j"),
        ("Cc", ""),
        ("X-Empty", "x"),
        ("X-Twice", "one two"),
        ("é", ""),
    ],
)
def test_headers_that_do_not(field: str, text: str) -> None:
    assert not header_contains(HEADER, field, casemap(text))


def found_in_body(data: bytes, text: str, at_once: int = 5) -> bool:
    def read(offset: int, octets: int) -> bytes:
        return data[offset : offset + min(octets, at_once)]

    return body_contains(table(data), read, casemap(text))


def found_in_text(data: bytes, text: str, at_once: int = 5) -> bool:
    def read(offset: int, octets: int) -> bytes:
        return data[offset : offset + min(octets, at_once)]

    return text_contains(table(data), read, casemap(text))


def encoded(text: str) -> str:
    return base64.encodebytes(text.encode()).decode()


MIXED = crlf(
    f"""Subject: outer
Content-Type: multipart/mixed; boundary=b

preamble
--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

{encoded("Grüße aus Köln")}
--b
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<p class=3D"marked">Sch=F6n<b>er</b> T&auml;g</p>
--b
Content-Type: application/pdf; name="=?utf-8?q?=C3=9Cbersicht?=.pdf"
Content-Disposition: attachment; filename*=utf-8''%C3%9Cbersicht%202.pdf

hidden
--b
Content-Type: message/rfc822

Subject: =?utf-8?q?in_der_Anlage?=

Innerer Text
--b
Content-Type: message/delivery-status

Status: 5.1.1
--b
Content-Type: text/plain; charset=nonsense
Content-Transfer-Encoding: nonsense

Gr\xfc\xdfe
--b--
epilogue
"""
)


@pytest.mark.parametrize("at_once", [1, 7, 1000])
@pytest.mark.parametrize(
    "text",
    ["GRÜSSE".replace("SS", "ß"), "köln", "schön", "schöner täg", 'class="MARKED"', "innerer"]
    + ["5.1.1", "", "ß"],
)
def test_bodies_that_contain(text: str, at_once: int) -> None:
    assert found_in_body(MIXED, text, at_once)
    assert found_in_text(MIXED, text, at_once)


@pytest.mark.parametrize("text", ["R3LDvM", "=F6", "hidden", "preamble", "epilogue", "nowhere"])
def test_what_is_no_text_of_the_message(text: str) -> None:
    assert not found_in_body(MIXED, text)
    assert not found_in_text(MIXED, text)


@pytest.mark.parametrize(
    "text", ["outer", "in der anlage", "übersicht.pdf", "übersicht 2", "text/html"]
)
def test_text_searches_all_headers_and_body_none(text: str) -> None:
    assert found_in_text(MIXED, text)
    assert not found_in_body(MIXED, text)


def test_text_that_two_slices_share_is_found() -> None:
    data = crlf("A: b\n\n") + b"x" * 131_070 + b"needle" + b"y" * 100
    assert found_in_body(data, "needle", 1 << 30)
    assert not found_in_body(data, "needles", 1 << 30)


def test_a_message_that_is_gone_in_between_contains_nothing() -> None:
    assert not body_contains(table(MIXED), lambda offset, octets: b"", "X")

"""What PREVIEW shows (RFC 8970)."""

from __future__ import annotations

import base64

import pytest

from mailhub.mime.scanner import analyse
from tests.mime.reading import analyse_in_pieces, crlf


def preview(content: str, body: str) -> str:
    return analyse(crlf(f"{content}\n\n{body}")).preview


@pytest.mark.parametrize(
    ("content", "body", "shown"),
    [
        ("A: b", "Hello\nthere,\n\n  you.\n", "Hello there, you."),
        ("A: b", "", ""),
        ("A: b", " \n\t\n", ""),
        ("Content-Type: text/plain; charset=utf-8", "Gr\xc3\xbc\xc3\x9fe", "Grüße"),
        ("Content-Type: text/plain; charset=koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"),
        ("Content-Type: text/plain", "Gr\xfc\xdfe", "Grüße"),
        (
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable",
            "Gr=C3=BC=C3=9F=\ne",
            "Grüße",
        ),
        (
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64",
            base64.b64encode("Grüße".encode()).decode(),
            "Grüße",
        ),
        ("Content-Type: text/html", "<style>x</style><p>Hello <b>you</b>&excl;", "Hello you!"),
        ("Content-Type: image/png", "Hello", ""),
        ("Content-Disposition: attachment", "Hello", ""),
        ("Content-Transfer-Encoding: x-unknown", "Hello", "Hello"),
        ("A: b", "\xe2\x80\x8b\xef\xbb\xbfHe\0llo\x1b", "He llo"),
        ("Content-Type: multipart/mixed", "Hello", "Hello"),
        ("Content-Type: multipart/mixed; boundary=b", "Hello", "Hello"),
    ],
)
def test_of_a_single_part(content: str, body: str, shown: str) -> None:
    assert preview(content, body) == shown


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        (["text/plain\n\none", "text/html\n\n<p>two"], "one"),
        (["text/plain\n\n \n", "text/html\n\n<p>two"], "two"),
        (["image/png\n\nxx", "text/plain\n\ntwo"], "two"),
        (["text/plain\nContent-Disposition: attachment\n\none", "text/html\n\ntwo"], "two"),
        (["message/rfc822\n\nSubject: x\n\ninner", "text/plain\n\ntwo"], "inner"),
        (["multipart/mixed; boundary=c\n\npreamble\n--c\n\nx\n--c--\n"], "x"),
        (["text/calendar\n\nBEGIN:VCALENDAR"], ""),
    ],
)
def test_is_of_the_first_part_with_text(parts: list[str], shown: str) -> None:
    body = "".join(f"--b\nContent-Type: {part}\n" for part in parts)
    content = "Content-Type: multipart/mixed; boundary=b"
    assert preview(content, f"preamble\n{body}--b--\n") == shown


def test_has_at_most_200_characters() -> None:
    assert preview("A: b", "x" * 1000) == "x" * 200
    assert preview("A: b", ("x" * 199 + " ") * 5) == "x" * 199


def test_is_found_after_long_styles() -> None:
    source = f"<style>{'p {color: red}' * 1000}</style>Hello"
    assert preview("Content-Type: text/html", source) == "Hello"


def test_is_not_sought_for_ever() -> None:
    assert preview("Content-Type: text/html", f"<!--{'x' * 40_000}-->Hello") == ""


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_does_not_depend_on_how_the_message_comes(size: int) -> None:
    data = crlf(
        "Content-Type: text/html; charset=utf-8\n\n" + "<p>Gr\xc3\xbc\xc3\x9fe&amp;</p>" * 300
    )
    assert analyse_in_pieces(data, [size]).preview == analyse(data).preview
    assert len(analyse(data).preview) > 190

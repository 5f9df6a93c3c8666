"""The text of HTML, for previews and searches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.mime.markup import HtmlText


def shown(source: str, size: int = 0) -> str:
    markup = HtmlText()
    if not size:
        text = markup.feed(source, final=True)
    else:
        pieces = [markup.feed(source[i : i + size]) for i in range(0, len(source), size)]
        text = "".join(pieces) + markup.feed("", final=True)
    return " ".join(text.split())


@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hello", "Hello"),
        ("<p>Hello</p><p>there</p>", "Hello there"),
        ("Hel<b>lo</b>", "Hello"),
        ("a<br>b<BR/>c", "a b c"),
        ("<td>a</td><td>b</td>", "a b"),
        ("a &amp; b &lt;c&gt; &uuml; &#228; &#x20ac;", "a & b <c> ü ä €"),
        ("a&nbsp;b", "a b"),
        ("a < b & c", "a < b & c"),
        ("<!-- x <p> -->a<!-- -- > -->b", "ab"),
        ("<style>p { x > y }</style>a", "a"),
        ('<SCRIPT type="x">if (a < b) "<p>"</Script >a', "a"),
        ("<title>T</title><body class='x'>a</body>", "a"),
        ("<!DOCTYPE html><?xml version='1'?><html>a", "a"),
        ('<a href="x">link</a>, text', "link, text"),
        ("a<style>never closed", "a"),
        ("a<!-- never closed", "a"),
        ("a<p never closed", "a"),
        ("a&b;c&amp", "a&b;c&"),
        ("<stylesheet>a</stylesheet>", "a"),
        ("<", "<"),
        ("&", "&"),
        ("", ""),
    ],
)
def test_text(source: str, text: str, size: int) -> None:
    assert shown(source, size) == text


@given(
    st.lists(
        st.sampled_from(
            [
                "<",
                ">",
                "<p>",
                "</p>",
                "<!--",
                "-->",
                "<style>",
                "</style>",
                "&",
                "&amp;",
                "a",
                " ",
                '"',
            ]
        )
    ),
    st.integers(1, 9),
)
def test_pieces_give_what_the_whole_gives(pieces: list[str], size: int) -> None:
    source = "".join(pieces)
    assert shown(source, size) == shown(source)


@pytest.mark.parametrize("piece", ["<", "<!--", "<style>", "&", "<p", "</", "a", "&a"])
def test_long_runs_are_no_trouble(piece: str) -> None:
    shown(piece * (200_000 // len(piece)), 4096)

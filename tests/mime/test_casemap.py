"""i;unicode-casemap (RFC 5051)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.mime.casemap import casemap


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hello", "hELLO"),
        ("ÄÖÜ", "äöü"),
        ("é", "e\u0301"),
        ("ПРИВЕТ", "привет"),
        ("ΑΣ", "ας".replace("ς", "σ")),
        ("ａＢ", "ab"),
        ("ǆ", "Ǆ"),
        ("①", "1"),
        ("Å", "Å"),
    ],
)
def test_equal_texts(one: str, other: str) -> None:
    assert casemap(one) == casemap(other)


@pytest.mark.parametrize(
    ("one", "other"), [("ß", "ss"), ("é", "e"), ("ı", "İ"), ("ﬁ", "FI"), ("a", "b"), ("한", "하")]
)
def test_different_texts(one: str, other: str) -> None:
    assert casemap(one) != casemap(other)


def test_a_syllable_is_not_found_in_another() -> None:
    assert casemap("하") not in casemap("한국")


@given(st.text(), st.text())
def test_characters_are_mapped_one_by_one(one: str, other: str) -> None:
    assert casemap(one + other) == casemap(one) + casemap(other)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_upper_case(text: str) -> None:
    assert casemap(text) == text.upper()

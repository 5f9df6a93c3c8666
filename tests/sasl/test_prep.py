"""SASLprep: the examples of RFC 4013 3, and what must hold for any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.sasl.prep import NotPreparable, saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        pytest.param("I\u00adX", "IX", id="soft hyphen goes"),
        pytest.param("user", "user", id="no change"),
        pytest.param("USER", "USER", id="case is kept"),
        pytest.param("\u00aa", "a", id="compatibility form"),
        pytest.param("\u2168", "IX", id="roman numeral nine"),
        pytest.param("a\u00a0b", "a b", id="another space"),
        pytest.param("u\u0308", "\u00fc", id="composed"),
        pytest.param("\U0001f511", "\U0001f511", id="newer than Unicode 3.2"),
        pytest.param("\u05d0\u05d1", "\u05d0\u05d1", id="right to left"),
        pytest.param("\u200d", "", id="nothing left"),
    ],
)
def test_text_is_prepared(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize(
    "text",
    ["\u0007", "\x00", "a\x7f", "\u0627\u0031", "a\u05d0", "\ue000", "\u200e", "\ufffd"],
)
def test_what_must_not_be_in_names_and_passwords_is_refused(text: str) -> None:
    with pytest.raises(NotPreparable):
        saslprep(text)


@given(st.text())
def test_preparing_twice_changes_nothing_more(text: str) -> None:
    try:
        prepared = saslprep(text)
    except NotPreparable:
        return
    assert saslprep(prepared) == prepared

"""PLAIN messages, the examples of RFC 4616 4 among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.sasl.errors import SaslFailed
from mailhub.sasl.plain import Password, checked, parse_plain


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        (b"\0tim\0tanstaaftanstaaf", Password(b"", b"tim", b"tanstaaftanstaaf")),
        (b"Ursel\0Kurt\0xipj3plmq", Password(b"Ursel", b"Kurt", b"xipj3plmq")),
    ],
)
def test_messages_are_taken_apart(message: bytes, parts: Password) -> None:
    assert checked(parse_plain(message)) == parts


def test_who_it_is_is_known_of_what_is_refused_afterwards() -> None:
    given = parse_plain(b"\0alice\0")
    assert given.user == b"alice"
    with pytest.raises(SaslFailed):
        checked(given)


def test_the_password_is_not_in_the_repr() -> None:
    assert "secret" not in repr(parse_plain(b"\0alice\0secret"))


@given(st.binary())
def test_any_octets_are_credentials_or_refused(message: bytes) -> None:
    try:
        given = checked(parse_plain(message))
    except SaslFailed:
        return
    assert b"\0".join((given.authorization, given.user, given.password)) == message
    assert given.user
    assert given.password

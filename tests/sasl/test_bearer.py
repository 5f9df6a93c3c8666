"""OAUTHBEARER and XOAUTH2: what a client's message says."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.sasl.bearer import MAX_OCTETS, Bearer, oauthbearer, parse_bearer, refused
from mailhub.sasl.errors import SaslFailed

TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="


def one(message: bytes) -> Bearer:
    return parse_bearer("OAUTHBEARER", message)


def two(message: bytes) -> Bearer:
    return parse_bearer("XOAUTH2", message)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x01",
        b"\x01\x01",
        b"n,,",
        b"n,,\x01",
        b"n,,\x01auth=Bearer abc",
        b"n,,\x01auth=Bearer abc\x01",
        b",,\x01auth=Bearer abc\x01\x01",
        b"n\x01auth=Bearer abc\x01\x01",
        b"n,\x01auth=Bearer abc\x01\x01",
        b"x,,\x01auth=Bearer abc\x01\x01",
        b"n,alice,\x01auth=Bearer abc\x01\x01",
        b"n,a=,\x01auth=Bearer abc\x01\x01",
        b"n,a=ali\0ce,\x01auth=Bearer abc\x01\x01",
        b"n,a=ali=ce,\x01auth=Bearer abc\x01\x01",
        b"n,a=ali=2cce,\x01auth=Bearer abc\x01\x01",
        b"n,a=\xff,\x01auth=Bearer abc\x01\x01",
        b"p=tls-exporter,,\x01auth=Bearer abc\x01\x01",
        b"n,,\x01auth\x01\x01",
        b"n,,\x01=Bearer abc\x01\x01",
        b"n,,\x01auth=Basic YWxpY2U6\x01\x01",
        b"n,,\x01auth=Bearer\x01\x01",
        b"n,,\x01auth=Bearer a b\x01\x01",
        b"n,,\x01auth=Bearer a\r\nb\x01\x01",
        b"n,,\x01auth=Bearer =abc\x01\x01",
        b"n,,\x01auth=Bearer caf\xc3\xa9\x01\x01",
        b"n,,\x01auth=Bearer a\x01auth=Bearer b\x01\x01",
        b"n,,\x01auth=Bearer a\x01\x01\x01",
        b"n,,\x01auth=Bearer a\x01\x01more\x01\x01",
        b"n,,\x01auth=Bearer " + b"a" * MAX_OCTETS + b"\x01\x01",
    ],
)
def test_what_is_no_message_of_oauthbearer_is_refused(message: bytes) -> None:
    with pytest.raises(SaslFailed):
        one(message)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x01",
        b"user=alice",
        b"user=alice\x01auth=Bearer abc\x01",
        b"alice\x01auth=Bearer abc\x01\x01",
        b"USER=alice\x01auth=Bearer abc\x01\x01",
        b"user=al\0ice\x01auth=Bearer abc\x01\x01",
        b"user=alice\x01auth=Basic abc\x01\x01",
        b"n,a=alice,\x01auth=Bearer abc\x01\x01",
    ],
)
def test_what_is_no_message_of_xoauth2_is_refused(message: bytes) -> None:
    with pytest.raises(SaslFailed):
        two(message)


@given(st.binary(max_size=80))
def test_anything_is_a_message_or_refused(junk: bytes) -> None:
    for mechanism in ("OAUTHBEARER", "XOAUTH2"):
        for message in (junk, b"n,," + junk + b"\x01\x01", b"user=" + junk + b"\x01\x01"):
            with suppress(SaslFailed):
                assert parse_bearer(mechanism, message).token.isascii()


def test_the_examples_of_the_standard_are_understood() -> None:
    said = one(
        b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer "
        + TOKEN.encode()
        + b"\x01\x01"
    )
    assert said == Bearer("user@example.com", TOKEN, "server.example.com", "143")


def test_an_empty_authorization_asks_what_is_wanted() -> None:
    said = one(b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=\x01\x01")
    assert (said.authorization, said.token) == ("user@example.com", "")
    assert one(b"n,,\x01\x01").token == ""


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER", b"BeArEr", b"Bearer  "])
def test_the_scheme_is_of_any_case(scheme: bytes) -> None:
    assert one(b"y,,\x01auth=" + scheme + b" abc\x01\x01").token == "abc"
    assert two(b"user=alice\x01auth=" + scheme + b" abc\x01\x01") == Bearer("alice", "abc")


def test_what_nobody_knows_is_ignored() -> None:
    assert one(b"n,,\x01qs=a=b&c\x01auth=Bearer abc\x01new=\x01\x01").token == "abc"


@pytest.mark.parametrize("name", ["", "alice", "a=b,c@example.org", "müller@example.org"])
def test_a_name_is_escaped_and_comes_back(name: str) -> None:
    assert one(oauthbearer(TOKEN, name)) == Bearer(name, TOKEN)


def test_a_token_is_not_shown() -> None:
    assert TOKEN not in repr(one(oauthbearer(TOKEN)))


def test_a_refusal_is_told_as_each_mechanism_does() -> None:
    where = "https://login.example.org/.well-known/openid-configuration"
    told = json.loads(refused("OAUTHBEARER", "invalid_token", "imap", where))
    assert told == {"status": "invalid_token", "scope": "imap", "openid-configuration": where}
    assert json.loads(refused("OAUTHBEARER", "invalid_request")) == {"status": "invalid_request"}
    told = json.loads(refused("XOAUTH2", "invalid_token", "imap", where))
    assert told == {"status": "401", "schemes": "bearer", "scope": "imap"}

"""Requests of a policy client, however they come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.mtapolicy.wire import MAX_REQUEST, Framer, TooLong, answer

REQUEST = b"request=smtpd_access_policy\nrecipient=alice@example.org\nsize=12345\nempty=\n\n"


def test_a_client_that_never_ends_is_cut_off() -> None:
    framer = Framer()
    framer.feed(b"x" * MAX_REQUEST)
    assert framer.next() is None
    framer.feed(b"x")
    with pytest.raises(TooLong):
        framer.next()


def test_a_request_that_is_too_long_is_not_answered() -> None:
    framer = Framer()
    framer.feed(b"a=" + b"x" * MAX_REQUEST + b"\n\n")
    with pytest.raises(TooLong):
        framer.next()


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_empty_line_alone_is_a_request_about_nobody(end: bytes) -> None:
    framer = Framer()
    framer.feed(end + b"recipient=alice@example.org" + end)
    assert framer.next() == {}
    assert framer.next() is None
    framer.feed(end)
    assert framer.next() == {"recipient": "alice@example.org"}


def test_lines_without_a_value_are_ignored() -> None:
    framer = Framer()
    framer.feed(b"nonsense\n=\nrecipient=a=b@example.org\n\n\n")
    assert framer.next() == {"": "", "recipient": "a=b@example.org"}
    assert framer.next() == {}
    assert framer.next() is None


@given(st.lists(st.integers(1, 20)), st.sampled_from([b"\n", b"\r\n"]))
def test_requests_are_the_same_however_they_are_cut(cuts: list[int], end: bytes) -> None:
    data, framer, found = (REQUEST * 2).replace(b"\n", end), Framer(), []
    for cut in [*cuts, len(data)]:
        framer.feed(data[:cut])
        data = data[cut:]
        while (request := framer.next()) is not None:
            found.append(request)
    assert [request["recipient"] for request in found] == ["alice@example.org"] * 2
    assert found[0]["size"] == "12345"


@given(st.binary(max_size=300))
def test_any_octets_are_a_request_or_none(data: bytes) -> None:
    framer = Framer()
    framer.feed(data)
    while framer.next() is not None:
        pass


def test_an_answer_is_one_action() -> None:
    assert answer("DUNNO") == b"action=DUNNO\n\n"

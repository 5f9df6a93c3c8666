"""Messages off a socket, whole or not at all, whatever comes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhub.directory.receiving import (
    MAX_MESSAGE,
    TOO_LARGE,
    NotLdap,
    Receiver,
    message_size,
    shortened,
)
from mailhub.directory.troubles import Trouble
from tests.directory.test_traps import ALICE
from tests.directory.unreliable import Request, done, found

ASKED = Request(5, "search")


class Wire:
    """A socket from which *pieces* come."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def recv(self, most: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def receiver(*pieces: bytes) -> Receiver:
    return Receiver(SimpleNamespace(socket=Wire(list(pieces))))


def entry(octets: int) -> bytes:
    return found(ASKED, ALICE, uid=["alice"], cn=["x" * octets])


@settings(max_examples=30)
@given(st.lists(st.sampled_from([entry(1), entry(200), entry(3000), done(ASKED)])), st.data())
def test_messages_are_whole_however_they_are_cut(
    messages: list[bytes], data: st.DataObject
) -> None:
    octets, pieces = b"".join(messages), []
    while octets:
        cut = data.draw(st.integers(1, len(octets)))
        pieces.append(octets[:cut])
        octets = octets[cut:]
    reading, received = receiver(*pieces), []
    while part := reading():
        received += part
    assert received == messages
    assert reading.is_empty


@pytest.mark.parametrize("cut", [4001, 500_000])
def test_an_entry_that_is_too_large_is_skipped_and_named(cut: int) -> None:
    large = entry(MAX_MESSAGE)
    octets = entry(1) + large + done(ASKED)
    reading = receiver(*(octets[at : at + cut] for at in range(0, len(octets), cut)))
    received: list[bytes] = []
    while part := reading():
        received += part
    before, short, after = received
    assert (before, after) == (entry(1), done(ASKED))
    assert short == shortened(large[:9000], len(large))
    assert ALICE.encode() in short
    assert TOO_LARGE.encode() in short
    assert len(short) < 200


@pytest.mark.parametrize("octets", [b"HTTP/1.1", b"\x30\x80", b"\x30\x85\x00\x00\x00\x00\x01"])
def test_what_is_no_message_is_refused(octets: bytes) -> None:
    with pytest.raises(NotLdap):
        receiver(octets)()


def test_a_server_that_hangs_up_within_a_large_entry_is_broken() -> None:
    with pytest.raises(ConnectionError):
        receiver(entry(MAX_MESSAGE)[:100_000])()


@pytest.mark.parametrize(
    "octets",
    [
        found(ASKED, f"cn={'x' * 5000}", cn=["x" * MAX_MESSAGE]),
        b"\x30\x84\x00\x50\x00\x00" + b"\x00" * 0x500000,
    ],
)
def test_what_is_too_large_and_has_no_name_is_no_answer(octets: bytes) -> None:
    with pytest.raises(Trouble, match="octets; no more than"):
        receiver(octets)()


@given(st.binary(max_size=40))
def test_any_start_has_a_size_or_none(octets: bytes) -> None:
    try:
        size = message_size(octets, 0)
    except NotLdap:
        return
    assert size is None or size >= 2

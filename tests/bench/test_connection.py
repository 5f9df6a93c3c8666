"""The search for the end of a reply, in whatever pieces it comes."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.bench.connection import Connection, Counts
from mailhub.bench.imap import Imap
from mailhub.bench.pop3 import Pop3
from mailhub.bench.steps import ServerFailed, Steps
from mailhub.bench.target import Target

TARGET = Target(imap=1, pop3=1, user="user", password="hidden word")


def answered(connection: Connection, steps: Steps[bytes], pieces: list[bytes]) -> bytes:
    """What *steps* return when the server sends *pieces*, each after the one before was read."""
    ours, theirs = socket.socketpair()
    with theirs:
        ours.setblocking(False)
        connection._socket = ours
        try:
            left = iter(pieces)
            while True:
                steps.send(None)
                theirs.sendall(next(left, b""))
        except StopIteration as end:
            return bytes(end.value or b"")
        finally:
            connection.close()


def cut(data: bytes, places: set[int]) -> list[bytes]:
    marks = [0, *sorted(places), len(data)]
    return [data[a:b] for a, b in zip(marks, marks[1:], strict=False) if a < b]


REPLY = b"* 3 EXISTS\r\n* 1 FETCH (BODY[] {9}\r\nz1 OK no\r\n)\r\nz1 NO it is not\r\nz2 OK yes\r\n"


@given(st.sets(st.integers(1, len(REPLY) - 1)))
def test_a_tagged_reply_is_found_however_it_is_cut(places: set[int]) -> None:
    imap = Imap(TARGET, Counts())
    found = answered(imap, imap.until(b"\nz2 "), cut(REPLY, places))
    assert found == b"z2 OK yes"
    assert imap.counts.received == len(REPLY)


@given(st.sets(st.integers(1, 29)))
def test_the_dot_that_ends_a_message_is_found_however_it_is_cut(places: set[int]) -> None:
    data = b"+OK\r\nSubject: x\r\n\r\n..\r\n.\r\n+OK\r\n"
    pop3 = Pop3(TARGET, Counts())

    def steps() -> Steps[bytes]:
        yield from pop3.line()
        yield from pop3.until(b"\n.\r")
        return (yield from pop3.line())

    assert answered(pop3, steps(), cut(data, {p for p in places if p < len(data)})) == b"+OK"


@pytest.fixture
def imap() -> Imap:
    return Imap(TARGET, Counts())


Case = Callable[[Imap], Steps[bytes]]


@pytest.mark.parametrize(
    ("case", "reply", "told"),
    [
        (lambda imap: imap.command(b"NOOP"), b"z1 BAD what\r\n", "NOOP: z1 BAD what"),
        (lambda imap: imap.command(b'LOGIN "u" "hidden word"'), b"z1 NO go\r\n", "LOGIN: z1 NO go"),
        (lambda imap: imap.ask(b"STATUS"), b"* x\r\nz1 NO none\r\n", "STATUS: z1 NO none"),
    ],
)
def test_a_refusal_ends_the_measurement_and_shows_no_password(
    imap: Imap, case: Case, reply: bytes, told: str
) -> None:
    with pytest.raises(ServerFailed, match=told) as caught:
        answered(imap, case(imap), [reply])
    assert "hidden" not in str(caught.value)


def test_a_reply_that_is_wanted_is_given_whole(imap: Imap) -> None:
    reply = answered(imap, imap.ask(b"STATUS"), [b"* STATUS IN", b"BOX ()\r\nz1 OK done\r\n"])
    assert reply == b"* STATUS INBOX ()\r\nz1 OK done"

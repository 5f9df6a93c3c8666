from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.config.addresses import TcpAddress, UnixAddress
from mailhub.config.options import Listener
from mailhub.delivery.pipe import (
    Answer,
    NotReached,
    as_message,
    exit_code,
    hand_over,
    named_address,
    server_address,
)


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        (250, "2.0.0", os.EX_OK),
        (451, "4.3.0", os.EX_TEMPFAIL),
        (452, "4.3.1", os.EX_TEMPFAIL),
        (421, "", os.EX_TEMPFAIL),
        (550, "5.1.1", os.EX_NOUSER),
        (501, "5.1.3", os.EX_NOUSER),
        (550, "5.2.1", os.EX_NOPERM),
        (552, "5.2.2", os.EX_CANTCREAT),
        (552, "5.3.4", os.EX_DATAERR),
        (553, "5.6.7", os.EX_DATAERR),
        (550, "5.7.1", os.EX_NOPERM),
        (554, "", os.EX_UNAVAILABLE),
    ],
)
def test_each_reply_has_its_exit_code(code: int, status: str, expected: int) -> None:
    assert Answer("a@b", code, status, "").exit_code == expected


def test_one_temporary_failure_makes_the_whole_temporary() -> None:
    filed, gone, later = (Answer("a", code, "5.1.1", "") for code in (250, 550, 451))

    assert exit_code([filed]) == os.EX_OK
    assert exit_code([filed, gone]) == os.EX_NOUSER
    assert exit_code([gone, later, filed]) == os.EX_TEMPFAIL


@pytest.mark.parametrize(
    ("piped", "message"),
    [
        (b"", b""),
        (b"Subject: x\n\nbody\n", b"Subject: x\r\n\r\nbody\r\n"),
        (b"Subject: x\r\n\r\nbody", b"Subject: x\r\n\r\nbody\r\n"),
        (b"From ann Mon Jan  1\nSubject: x\n", b"Subject: x\r\n"),
        (b"From: ann\n\nFrom here\n", b"From: ann\r\n\r\nFrom here\r\n"),
        (b"a\rb\n", b"a\rb\r\n"),
    ],
)
def test_what_comes_from_a_pipe_becomes_a_message(piped: bytes, message: bytes) -> None:
    assert as_message(piped) == message


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"\r", b"."])).map(b"".join))
def test_a_message_made_once_stays_as_it_is(piped: bytes) -> None:
    assert as_message(as_message(piped)) == as_message(piped)


def test_the_servers_unix_socket_is_preferred() -> None:
    listeners = [
        Listener("imap", "127.0.0.1:143"),
        Listener("lmtp", "127.0.0.1:24", tls="implicit"),
        Listener("lmtp", "127.0.0.1:25", proxy=True),
        Listener("lmtp", "127.0.0.1:26"),
    ]

    assert server_address(listeners) == TcpAddress("127.0.0.1", 26)
    found = server_address([*listeners, Listener("lmtp", "unix:/run/mailhub/lmtp")])
    assert isinstance(found, UnixAddress)


@pytest.mark.parametrize("listeners", [[], [Listener("pop3", "127.0.0.1:110")]])
def test_a_server_without_lmtp_cannot_be_reached(listeners: list[Listener]) -> None:
    with pytest.raises(NotReached):
        server_address(listeners)


def test_a_bad_address_cannot_be_reached() -> None:
    with pytest.raises(NotReached):
        named_address("here")


def test_a_server_that_is_away_cannot_be_reached() -> None:
    with pytest.raises(NotReached):
        hand_over(named_address("unix:/nowhere/lmtp"), "", ["a@b.example"], b"x\r\n")

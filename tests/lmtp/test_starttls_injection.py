"""STARTTLS with plaintext behind it: what an attacker put there must never be obeyed inside TLS.

RFC 3207 4.2; the class of CVE-2011-0411.
"""

from __future__ import annotations

import pytest

from tests.lmtp.client import LmtpWorld
from tests.peer import Peer


@pytest.fixture
def world() -> LmtpWorld:
    return LmtpWorld(tls=True)


@pytest.fixture
def client(world: LmtpWorld) -> Peer:
    return world.client()


@pytest.mark.parametrize(
    "injected",
    [b"LHLO evil\r\nMAIL FROM:<>\r\n", b"QUIT\r\n", b"NO", b"BDAT 1000\r\n", b"x" * 5000],
)
def test_commands_behind_starttls_are_dropped(client: Peer, injected: bytes) -> None:
    assert client.send(b"STARTTLS\r\n" + injected) == ["220 2.0.0 Go ahead"]

    secure = client.start_tls()

    secure.send(b"NOOP\r\nMAIL FROM:<>\r\n")
    assert secure.read() == b"250 2.0.0 Ok\r\n503 5.5.1 LHLO first\r\n"


def test_an_envelope_given_in_clear_does_not_count_inside(world: LmtpWorld, client: Peer) -> None:
    client.say("MAIL FROM:<evil@example.com>", "RCPT TO:<alice@example.org>", "STARTTLS")
    secure = client.start_tls()

    secure.send(b"DATA\r\n")

    assert secure.read().startswith(b"503 ")


def test_starttls_is_offered_outside_only(world: LmtpWorld, client: Peer) -> None:
    assert client.say("LHLO a")[-1] == "250 STARTTLS"
    client.say("STARTTLS")
    secure = client.start_tls()

    secure.send(b"LHLO a\r\nSTARTTLS\r\n")

    inside = secure.read()
    assert b"250 CHUNKING\r\n" in inside
    assert inside.endswith(b"503 5.5.1 TLS is active already\r\n")


def test_mail_that_came_over_tls_says_so(world: LmtpWorld, client: Peer) -> None:  # 3848
    client.say("STARTTLS")
    secure = client.start_tls()

    secure.send(
        b"LHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"
    )

    assert secure.read().endswith(b"goodbye\r\n")
    assert b"with LMTPS id" in world.mail()[0]

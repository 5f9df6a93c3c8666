"""STLS with plaintext behind it: what an attacker put there must never be obeyed inside TLS.

RFC 2595 4; the class of CVE-2011-0411.
"""

from __future__ import annotations

import pytest

from mailhub.net.link import Entry
from tests.peer import Peer
from tests.pop3.client import Pop3World


@pytest.fixture
def world() -> Pop3World:
    return Pop3World(tls=True, plaintext=False)


@pytest.fixture
def client(world: Pop3World) -> Peer:
    peer = world.connect()
    peer.lines()
    return peer


@pytest.mark.parametrize(
    "injected",
    [b"CAPA\r\n", b"USER alice\r\nPASS open sesame\r\n", b"QUIT\r\n", b"US", b"\r\n" * 99],
)
def test_commands_behind_stls_are_dropped(client: Peer, injected: bytes) -> None:
    assert client.send(b"STLS\r\n" + injected) == ["+OK Begin TLS negotiation"]

    secure = client.start_tls()

    secure.send(b"NOOP\r\n")
    assert secure.read() == b"-ERR Log in first\r\n"


def test_half_a_command_before_stls_is_no_part_of_one_after_it(client: Peer) -> None:
    client.push(b"STL")
    assert client.send(b"S\r\nUSER attacker\r\nQU") == ["+OK Begin TLS negotiation"]

    secure = client.start_tls()

    secure.send(b"IT\r\n")
    assert secure.read() == b"-ERR Unknown command\r\n"


def test_a_name_given_in_clear_does_not_count_inside(world: Pop3World) -> None:
    world = Pop3World(tls=True)
    client = world.connect()
    client.say("USER alice", "UTF8", "STLS")

    secure = client.start_tls()

    secure.send(b"PASS open sesame\r\n")
    assert secure.read() == b"-ERR USER comes before PASS\r\n"


def test_stls_is_offered_where_it_works_and_nowhere_else(client: Peer) -> None:  # 2595 4
    before = client.say("CAPA", "STLS")
    assert "STLS" in before
    assert "USER" not in before
    assert not any(line.startswith("SASL PLAIN") for line in before)

    secure = client.start_tls()

    secure.send(b"CAPA\r\nSTLS\r\n")
    inside = secure.read().decode().split("\r\n")
    assert "STLS" not in inside
    assert {"USER", "SASL PLAIN LOGIN"} <= set(inside)
    assert "-ERR TLS is active already" in inside


def test_stls_is_refused_after_log_in() -> None:
    client = Pop3World(tls=True).client()

    assert "STLS" not in client.say("CAPA")
    assert client.say("STLS") == ["-ERR You are logged in"]


@pytest.mark.parametrize("tls", [True, False])
def test_stls_is_refused_where_it_is_not_offered(tls: bool) -> None:
    protocol = Pop3World(tls=tls).factory.buildProtocol(None)
    protocol.entry = Entry("none")
    client = Peer(protocol)
    client.lines()

    assert "STLS" not in client.say("CAPA")
    assert client.say("STLS") == ["-ERR TLS is not offered here"]


def test_log_in_works_inside(world: Pop3World, client: Peer) -> None:
    client.say("STLS")
    secure = client.start_tls()

    secure.send(b"USER alice\r\nPASS open sesame\r\nSTAT\r\n")

    assert secure.read().endswith(b"+OK 0 0\r\n")
    assert world.realm.inside == 1

"""Clients that close their sending half behind their last command, as ``nc -N`` does."""

from __future__ import annotations

import socket

import pytest

from tests.e2e.server import PATIENCE_SECONDS, LiveServer, Login

SENT = {
    "imap": (b"a NOOP\r\nb CAPABILITY\r\nc ID NIL\r\n", b"c OK"),
    "pop3": (b"CAPA\r\nNOOP\r\nQUIT\r\n", b"+OK"),
    "lmtp": (b"LHLO here\r\nNOOP\r\nVRFY x\r\n", b"252"),
}


def until_end(client: socket.socket) -> bytes:
    said = b""
    while data := client.recv(65536):
        said += data
    return said


@pytest.mark.parametrize("protocol", SENT)
def test_every_command_that_came_is_answered(server: LiveServer, protocol: str) -> None:
    sent, last = SENT[protocol]
    port = server.port(protocol, "none" if protocol == "lmtp" else "starttls")
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        said = until_end(client).splitlines()
    assert said[-1].startswith(last)


def test_a_delivery_is_acknowledged(server: LiveServer, login: Login) -> None:
    with socket.create_connection(
        ("127.0.0.1", server.port("lmtp", "none")), timeout=PATIENCE_SECONDS
    ) as client:
        client.sendall(
            b"LHLO here\r\nMAIL FROM:<>\r\nRCPT TO:<%s>\r\nDATA\r\n"
            b"Subject: last words\r\n\r\nx\r\n.\r\n" % login.user.encode()
        )
        client.shutdown(socket.SHUT_WR)
        said = until_end(client).splitlines()
    assert said[-1].startswith(b"250 2.0.0"), said


def test_what_will_never_be_finished_is_not_waited_for(server: LiveServer) -> None:
    with socket.create_connection(
        ("127.0.0.1", server.port("imap", "starttls")), timeout=PATIENCE_SECONDS
    ) as client:
        client.sendall(b"a NOOP\r\nb APPEND INBOX {100}\r\n")
        client.shutdown(socket.SHUT_WR)
        assert b"a OK" in until_end(client)

"""Python's imaplib against a running server."""

from __future__ import annotations

import imaplib
import socket
import ssl
import time
from collections.abc import Iterator

import pytest

from tests.e2e.server import LiveServer, Login
from tests.harness import message


@pytest.fixture
def imap(server: LiveServer, login: Login, trust: ssl.SSLContext) -> Iterator[imaplib.IMAP4]:
    client = imaplib.IMAP4_SSL("localhost", server.port("imap", "implicit"), ssl_context=trust)
    client.login(login.user, login.password)
    yield client
    client.logout()


def test_starttls_leads_to_a_log_in(
    server: LiveServer, login: Login, trust: ssl.SSLContext
) -> None:
    with imaplib.IMAP4("localhost", server.port("imap", "starttls")) as client:
        assert "LOGINDISABLED" in client.capabilities
        client.starttls(trust)
        assert "LOGINDISABLED" not in client.capabilities
        assert client.login(login.user, login.password)[0] == "OK"


def test_a_password_in_clear_is_refused(server: LiveServer, login: Login) -> None:
    client = imaplib.IMAP4("127.0.0.1", server.port("imap", "starttls"))
    with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
        client.login(login.user, login.password)
    client.shutdown()


def test_a_wrong_password_is_refused(
    server: LiveServer, login: Login, trust: ssl.SSLContext
) -> None:
    client = imaplib.IMAP4_SSL("localhost", server.port("imap", "implicit"), ssl_context=trust)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login(login.user, "wrong")
    client.shutdown()


def test_a_message_comes_back_as_it_was_appended(imap: imaplib.IMAP4) -> None:
    text = message(subject="Grüße", body="Zeile\r\n.\r\nEnde\r\n")
    when = imaplib.Time2Internaldate(time.time())
    assert imap.append("INBOX", r"(\Flagged)", when, text)[0] == "OK"
    assert imap.select("INBOX") == ("OK", [b"1"])
    status, parts = imap.uid("FETCH", "1", "(FLAGS BODY.PEEK[])")
    assert status == "OK"
    assert isinstance(parts[0], tuple)
    assert parts[0][1] == text
    assert b"\\Flagged" in parts[0][0]


def test_a_message_appended_to_the_selected_mailbox_is_told_before_the_command_ends(
    imap: imaplib.IMAP4,
) -> None:
    imap.select("INBOX")
    imap.response("EXISTS")
    for count in range(1, 20):
        imap.append("INBOX", None, None, message())
        assert imap.response("EXISTS") == ("EXISTS", [b"%d" % count])


def test_messages_can_be_found_moved_and_expunged(imap: imaplib.IMAP4) -> None:
    for subject in ("one", "two", "three"):
        imap.append("INBOX", None, None, message(subject=subject))
    imap.select("INBOX")
    assert imap.uid("SEARCH", "SUBJECT", "two") == ("OK", [b"2"])
    assert imap.create('"Old mail"')[0] == "OK"
    assert imap.uid("MOVE", "2", '"Old mail"')[0] == "OK"
    assert imap.store("1", "+FLAGS", r"(\Deleted)")[0] == "OK"
    assert imap.expunge()[0] == "OK"
    assert imap.uid("SEARCH", "ALL") == ("OK", [b"3"])
    assert imap.status('"Old mail"', "(MESSAGES)") == ("OK", [b'"Old mail" (MESSAGES 1)'])


def test_idle_tells_of_mail_that_another_session_appends(
    imap: imaplib.IMAP4, server: LiveServer, login: Login, trust: ssl.SSLContext
) -> None:
    imap.select("INBOX")
    imap.send(b"x IDLE\r\n")
    assert imap.readline().startswith(b"+ ")
    other = imaplib.IMAP4_SSL("localhost", server.port("imap", "implicit"), ssl_context=trust)
    other.login(login.user, login.password)
    other.append("INBOX", None, None, message())
    imap.sock.settimeout(10)
    assert imap.readline() == b"* 1 EXISTS\r\n"
    imap.send(b"DONE\r\n")
    while not (line := imap.readline()).startswith(b"x "):
        assert line.startswith(b"* ")
    assert line.startswith(b"x OK")


def test_pipelined_commands_are_all_answered_in_order(
    server: LiveServer, login: Login, trust: ssl.SSLContext
) -> None:
    with (
        socket.create_connection(("localhost", server.port("imap", "implicit"))) as raw,
        trust.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        connection.sendall(
            f'a LOGIN {login.user} "{login.password}"\r\nb SELECT INBOX\r\n'
            "c IDLE\r\nDONE\r\nd NOOP\r\ne LOGOUT\r\n".encode()
        )
        with connection.makefile("rb") as answers:
            tagged = [line for line in answers if line[:2] in (b"a ", b"b ", b"c ", b"d ", b"e ")]
    assert [line[:4] for line in tagged] == [b"a OK", b"b OK", b"c OK", b"d OK", b"e OK"]

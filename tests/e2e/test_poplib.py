"""Python's poplib and smtplib.LMTP against a running server."""

from __future__ import annotations

import poplib
import smtplib
import ssl

import pytest

from tests.e2e.clients import deliver
from tests.e2e.server import LiveServer, Login
from tests.harness import message


def pop3(server: LiveServer, login: Login, trust: ssl.SSLContext) -> poplib.POP3_SSL:
    client = poplib.POP3_SSL("localhost", server.port("pop3", "implicit"), context=trust)
    client.user(login.user)
    client.pass_(login.password)
    return client


def test_delivered_mail_is_fetched_and_gone_after_quit(
    server: LiveServer, login: Login, trust: ssl.SSLContext
) -> None:
    for subject in ("one", "two"):
        deliver(server, login, message(subject=subject, body=".\r\n..dots\r\n"))
    first = pop3(server, login, trust)
    assert first.stat()[0] == 2
    _, lines, _ = first.retr(1)
    assert lines[-2:] == [b".", b"..dots"]
    assert lines[0] == b"Return-Path: <ann@example.com>"
    kept = first.uidl(2)
    first.dele(1)
    first.quit()
    second = pop3(server, login, trust)
    assert second.stat()[0] == 1
    assert second.uidl(1).split()[2] == kept.split()[2]
    second.quit()


def test_a_maildrop_that_is_open_is_in_use_for_others(
    server: LiveServer, login: Login, trust: ssl.SSLContext
) -> None:
    first = pop3(server, login, trust)
    with pytest.raises(poplib.error_proto, match=r"\[IN-USE\]"):
        pop3(server, login, trust)
    first.quit()
    pop3(server, login, trust).quit()


def test_stls_leads_to_a_log_in(server: LiveServer, login: Login, trust: ssl.SSLContext) -> None:
    client = poplib.POP3("localhost", server.port("pop3", "starttls"))
    client.stls(trust)
    client.user(login.user)
    assert client.pass_(login.password).startswith(b"+OK")
    client.quit()


def test_an_unknown_recipient_is_refused_at_once(server: LiveServer, login: Login) -> None:
    with smtplib.LMTP("127.0.0.1", server.port("lmtp", "none")) as lmtp:
        lmtp.ehlo_or_helo_if_needed()
        lmtp.mail("ann@example.com")
        status, text = lmtp.rcpt("nobody@example.org")
    assert status == 550
    assert text.startswith(b"5.1.1")

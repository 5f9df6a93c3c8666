"""App passwords with imaplib and poplib on a real server: what they allow, and the command line."""

from __future__ import annotations

import imaplib
import poplib
import ssl

import pytest

from tests.cli.conftest import Commands
from tests.e2e.clients import deliver
from tests.e2e.server import LiveServer, Login
from tests.harness import message


def imap(server: LiveServer, login: Login, trust: ssl.SSLContext, secret: str) -> imaplib.IMAP4:
    client = imaplib.IMAP4_SSL("localhost", server.port("imap", "implicit"), ssl_context=trust)
    client.login(login.user, secret)
    return client


def pop3(server: LiveServer, login: Login, trust: ssl.SSLContext, secret: str) -> poplib.POP3_SSL:
    client = poplib.POP3_SSL("localhost", server.port("pop3", "implicit"), context=trust)
    client.user(login.user)
    client.pass_(secret)
    return client


def test_an_app_password_works_until_it_is_revoked(
    server: LiveServer, login: Login, trust: ssl.SSLContext
) -> None:
    commands = Commands(server.data.path)
    words = ("app-password", "add", login.user, "phone", "--protocol", "imap")
    secret = commands.json(*words)["password"]
    client = imap(server, login, trust, secret)
    assert client.select()[1] == [b"0"]
    assert client.untagged_responses.get("READ-WRITE")
    with pytest.raises(poplib.error_proto, match=r"\[AUTH\] You may not log in this way"):
        pop3(server, login, trust, secret)
    commands.json("app-password", "revoke", login.user, "phone")
    assert client.noop()[0] == "OK"
    client.logout()
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        imap(server, login, trust, secret)


def test_one_that_may_only_read_changes_nothing(
    server: LiveServer, login: Login, trust: ssl.SSLContext
) -> None:
    deliver(server, login, message(subject="one"))
    commands = Commands(server.data.path)
    words = ("app-password", "add", login.user, "archive", "--read-only")
    secret = commands.json(*words)["password"]
    client = imap(server, login, trust, secret)
    with pytest.raises(imaplib.IMAP4.readonly):  # what imaplib makes of [READ-ONLY]
        client.select()
    client.is_readonly = True
    (fetched, *_) = client.fetch("1", "(BODY[])")[1]
    assert isinstance(fetched, tuple)
    assert b"Subject: one" in fetched[1]
    for name, arguments in {
        "STORE": ("1", "+FLAGS", "\\Deleted"),
        "EXPUNGE": (),
        "COPY": ("1", "Sent"),
        "CREATE": ("New",),
        "DELETE": ("Sent",),
        "RENAME": ("Sent", "New"),
        "UNSUBSCRIBE": ("Sent",),
    }.items():
        assert client._simple_command(name, *arguments)[0] == "NO", name
    status, text = client.append("INBOX", None, None, message("two"))
    assert (status, b"[NOPERM]" in text[0]) == ("NO", True)
    client.close()
    client.logout()
    reader = pop3(server, login, trust, secret)
    assert reader.retr(1)[0].startswith(b"+OK")
    with pytest.raises(poplib.error_proto, match="This log-in may only read"):
        reader.dele(1)
    reader.quit()
    owner = imap(server, login, trust, login.password)
    assert owner.select()[1] == [b"1"]
    assert owner.response("RECENT")[1] == [b"1"]
    assert owner.fetch("1", "FLAGS")[1] == [b"1 (FLAGS (\\Recent))"]
    owner.logout()

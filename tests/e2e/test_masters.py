"""Master users on a real server, with imaplib and poplib."""

from __future__ import annotations

import imaplib
import poplib
import ssl

import pytest

from tests.cli.conftest import Commands
from tests.e2e.clients import deliver
from tests.e2e.conftest import MASTER
from tests.e2e.server import LiveServer, Login
from tests.harness import message


@pytest.fixture(scope="module")
def master(server: LiveServer) -> Login:
    return server.add_account(MASTER, "open sesame")


def test_a_master_reads_somebodys_mail_by_either_name(
    server: LiveServer, login: Login, master: Login, trust: ssl.SSLContext
) -> None:
    deliver(server, login, message(subject="one"))
    client = imaplib.IMAP4_SSL("localhost", server.port("imap", "implicit"), ssl_context=trust)
    client.login(f"{login.user}*{master.user}", master.password)
    assert client.select()[1] == [b"1"]
    client.logout()
    client = imaplib.IMAP4_SSL("localhost", server.port("imap", "implicit"), ssl_context=trust)
    said = f"{login.user}\0{master.user}\0{master.password}".encode()
    client.authenticate("PLAIN", lambda challenge: said)
    assert client.select()[1] == [b"1"]
    client.logout()
    reader = poplib.POP3_SSL("localhost", server.port("pop3", "implicit"), context=trust)
    reader.user(f"{login.user}*{master.user}")
    assert login.user.encode() in reader.pass_(master.password)
    reader.quit()


def test_others_are_none_and_explain_tells_it(
    server: LiveServer, login: Login, master: Login, trust: ssl.SSLContext
) -> None:
    reader = poplib.POP3_SSL("localhost", server.port("pop3", "implicit"), context=trust)
    reader.user(f"{master.user}*{login.user}")
    with pytest.raises(poplib.error_proto, match=r"\[AUTH\] You may not log in this way"):
        reader.pass_(login.password)
    commands = Commands(server.data.path)
    tried = commands(
        *("explain", "login", f"{login.user}*{master.user}", "--password-stdin", "--json"),
        *("--config", str(server.config)),
        input=master.password + "\n",
    )
    assert tried.code == 0, tried
    step = next(step for step in tried.json["steps"] if step["what"] == "act as")
    assert step["account"] == login.user

"""A real Postfix handing its mail over: LMTP over a Unix socket, pipelined, with bounces."""

from __future__ import annotations

import os
import poplib
import smtplib
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Commands
from tests.e2e.server import LiveServer, Login, Output, peer
from tests.harness import message

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
meta_directory = /etc/postfix
myhostname = mta.example.com
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
 check_policy_service {{ unix:{folder}/policy, default_action=DUNNO }}
virtual_mailbox_domains = example.org
virtual_transport = lmtp:unix:{folder}/lmtp
message_size_limit = 20000000
smtputf8_enable = yes
maillog_file = /dev/stdout
"""

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup   unix n - n 60 1 pickup
cleanup  unix n - n - 0 cleanup
qmgr     unix n - n 300 1 qmgr
rewrite  unix - - n - - trivial-rewrite
bounce   unix - - n - 0 bounce
defer    unix - - n - 0 bounce
trace    unix - - n - 0 bounce
flush    unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq    unix n - n - - showq
error    unix - - n - - error
retry    unix - - n - - error
lmtp     unix - - n - - lmtp
anvil    unix - - n - 1 anvil
tlsmgr   unix - - n 1000? 1 tlsmgr
postlog  unix-dgram n - n - 1 postlogd
"""

LISTENER = """\
[[listener]]
protocol = "lmtp"
address = "unix:{folder}/lmtp"
mode = "0666"

[[listener]]
protocol = "policy"
address = "unix:{folder}/policy"
mode = "0666"

"""


class Postfix:
    """An instance with a configuration, a queue and a port of its own."""

    def __init__(self, folder: Path) -> None:
        self._config = folder / "postfix"
        self._config.mkdir()
        (folder / "queue").mkdir()
        (folder / "data").mkdir()
        subprocess.run(["chown", "postfix", folder / "data"], check=True)
        self.port = free_port()
        (self._config / "main.cf").write_text(MAIN.format(folder=folder))
        (self._config / "master.cf").write_text(MASTER.format(port=self.port))
        self._process = subprocess.Popen(
            [peer("postfix"), "-c", self._config, "start-fg"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        self.log = Output(self._process.stdout)
        self.log.until("daemon started")

    def send(self, sender: str, recipients: list[str], data: bytes, *options: str) -> None:
        with smtplib.SMTP("127.0.0.1", self.port, "client.example") as client:
            client.sendmail(sender, recipients, data, options)

    def try_again(self) -> None:
        """Deliver what waits in the queue, now."""
        subprocess.run([peer("postqueue"), "-c", self._config, "-f"], check=True)

    def stop(self) -> None:
        subprocess.run([peer("postfix"), "-c", self._config, "stop"], check=True)
        self._process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the user ``postfix`` gets to, unlike pytest's own folders."""
    peer("postfix")
    if os.geteuid() != 0:
        required = os.environ.get("MAILHUB_REQUIRE_PEERS") == "1"
        (pytest.fail if required else pytest.skip)("Postfix is started by root only")
    with tempfile.TemporaryDirectory(prefix="mailhub-postfix-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LiveServer]:
    live = LiveServer(folder, listeners=LISTENER.format(folder=folder))
    yield live
    live.process.stop()


@pytest.fixture(scope="module")
def alice(server: LiveServer) -> Login:
    return server.add_account("alice@example.org", "open sesame")


@pytest.fixture(scope="module")
def postfix(folder: Path, server: LiveServer) -> Iterator[Postfix]:
    instance = Postfix(folder)
    yield instance
    instance.stop()


def fetch(server: LiveServer, login: Login) -> list[bytes]:
    """All messages of an account, which is empty afterwards."""
    client = poplib.POP3("127.0.0.1", server.port("pop3", "starttls"))
    client.stls(ssl.create_default_context(cafile=str(server.ca)))
    client.user(login.user)
    client.pass_(login.password)
    count, _ = client.stat()
    messages = [b"\r\n".join(client.retr(n)[1]) + b"\r\n" for n in range(1, count + 1)]
    for number in range(1, count + 1):
        client.dele(number)
    client.quit()
    return messages


def test_postfix_delivers_octet_by_octet(
    server: LiveServer, postfix: Postfix, alice: Login
) -> None:
    sent = message("dots", ".\r\n..\r\n.dot\r\n" + "line\r\n" * 100_000)

    postfix.send("ann@example.com", ["alice@example.org"], sent)
    server.process.log.until("delivery.filed")

    (received,) = fetch(server, alice)
    assert received.startswith(
        b"Return-Path: <ann@example.com>\r\nDelivered-To: alice@example.org\r\n"
    )
    assert received.endswith(sent)


def test_one_message_for_three_where_one_does_not_exist(
    server: LiveServer, postfix: Postfix, alice: Login
) -> None:
    bob = server.add_account("bob@example.org", "open sesame")

    postfix.send(
        "alice@example.org",
        ["bob@example.org", "nobody@example.org", "bob+folder@example.org"],
        b"Subject: for three\r\n\r\nx\r\n",
    )
    for _ in range(3):
        server.process.log.until("delivery.filed")

    assert len(fetch(server, bob)) == 2
    (bounce,) = fetch(server, alice)
    assert bounce.startswith(b"Return-Path: <>\r\n")
    assert b"550 5.1.1" in bounce.replace(b"\r\n    ", b" ")


def test_internationalised_mail_comes_through(
    server: LiveServer, postfix: Postfix, alice: Login
) -> None:
    text = "From: <jürgen@example.com>\r\nSubject: Grüße\r\n\r\nx\r\n"

    postfix.send(
        "jürgen@example.com", ["alice@example.org"], text.encode(), "SMTPUTF8", "BODY=8BITMIME"
    )
    server.process.log.until("delivery.filed")

    (received,) = fetch(server, alice)
    assert b"with UTF8LMTP id" in received
    assert "Subject: Grüße" not in received.decode()  # poplib did not ask for UTF-8


def test_mail_waits_while_the_server_is_away(
    server: LiveServer, postfix: Postfix, alice: Login
) -> None:
    server.process.stop()
    postfix.send("ann@example.com", ["alice@example.org"], b"Subject: patience\r\n\r\nx\r\n")
    postfix.log.until("status=deferred")

    server.start()
    postfix.try_again()
    server.process.log.until("delivery.filed")

    (received,) = fetch(server, alice)
    assert b"Subject: patience\r\n" in received


def test_postfix_refuses_mail_for_a_full_account_at_once(
    server: LiveServer, postfix: Postfix
) -> None:
    server.add_account("full@example.org", "open sesame")
    commands = Commands(server.data.path)
    commands.json("quota", "set", "full@example.org", "--octets", "2K")
    with smtplib.SMTP("127.0.0.1", postfix.port, "client.example") as client:
        client.ehlo()
        client.mail("a@example.com", ["SIZE=1000"])
        assert client.rcpt("full@example.org")[0] == 250
        client.rset()
        client.mail("a@example.com", ["SIZE=3000"])
        code, text = client.rcpt("full@example.org")
        assert (code, text[:6]) == (552, b"5.2.2 ")
        assert client.rcpt("bob@example.org")[0] == 250  # nobody: not the policy's to say
    refusal = text.decode().rpartition("(")[2].rstrip(")")
    assert commands.json("explain", refusal)["outcome"] == "OverQuota"

"""Quotas in a real server: LMTP, imaplib, the command line, SETQUOTA, and a change of limits."""

from __future__ import annotations

import hmac
import imaplib
import json
import queue
import re
import smtplib
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mailhub.cli.control import ask
from tests.cli.conftest import Commands
from tests.e2e.server import PATIENCE_SECONDS, LiveServer

PASSWORD = "correct horse"
ALICE, BOB, ADMIN = "alice@example.org", "bob@example.org", "admin@example.org"
OPTIONS = f"""
[auth]
failure_delay = 0
administrators = ["{ADMIN}"]

[quota]
octets = 20000
mailboxes = 10
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("quota"), OPTIONS)
    for address in (BOB, ADMIN):
        server.add_account(address, PASSWORD)
    yield server
    server.process.stop()


@pytest.fixture
def commands(live: LiveServer) -> Commands:
    return Commands(live.data.path)


def imap(live: LiveServer, user: str) -> imaplib.IMAP4:
    trust = ssl.create_default_context(cafile=str(live.ca))
    client = imaplib.IMAP4_SSL("localhost", live.port("imap", "implicit"), ssl_context=trust)
    client.login(user, PASSWORD)
    return client


def deliver(live: LiveServer, *recipients: str, octets: int, told: bool) -> list[int]:
    """The code for each recipient, at RCPT or at the end; *told*: with SIZE."""
    host, _, port = live.address("lmtp", "none").rpartition(":")
    body = b"Subject: hello\r\n\r\n" + b"x" * 70 + b"\r\n"
    body += (b"x" * 78 + b"\r\n") * ((octets - len(body)) // 80)
    with smtplib.LMTP(host, int(port)) as client:
        client.ehlo()
        client.mail("a@example.com", [f"SIZE={octets}"] if told else [])
        codes = [client.rcpt(recipient)[0] for recipient in recipients]
        if 250 not in codes:
            return codes
        client.putcmd("data")
        client.getreply()
        client.send(body + b".\r\n")
        return [client.getreply()[0] if code == 250 else code for code in codes]


@pytest.fixture
def alice(live: LiveServer, request: pytest.FixtureRequest) -> str:
    """An account of the test's own, in a domain of its own."""
    name = f"alice@{abs(hash(request.node.name))}.example"
    live.add_account(name, PASSWORD)
    return name


def test_mail_for_a_full_account_is_refused_for_it_alone(live: LiveServer, alice: str) -> None:
    assert deliver(live, alice, octets=15000, told=True) == [250]
    assert deliver(live, alice, BOB, octets=6000, told=True) == [552, 250]
    assert deliver(live, alice, BOB, octets=6000, told=False) == [552, 250]


def test_programs_see_the_quota(live: LiveServer, alice: str) -> None:
    assert deliver(live, alice, octets=15000, told=True) == [250]
    client = imap(live, alice)
    (root,), (quota,) = client.getquotaroot("INBOX")[1]
    assert root == f"INBOX {alice}".encode()
    assert quota.startswith(f"{alice} (STORAGE 15 20 MAILBOX 1 10)".encode())
    status, answer = client.append("INBOX", "", "", b"x" * 10000)
    assert status == "NO"
    assert b"[OVERQUOTA]" in answer[0]
    client.logout()


def test_the_command_line_tells_why(live: LiveServer, commands: Commands, alice: str) -> None:
    assert deliver(live, alice, octets=6000, told=True) == [250]
    words = ("--config", str(live.config))
    told = commands.json("quota", "explain", alice, *words)
    assert told["limits"][0]["source"] == "configuration"
    assert [entry["cause"] for entry in told["ledger"]] == ["filed"]
    assert told["ledger"][0]["octets"] == told["usage"]["octets"]


def test_an_administrator_gives_room_by_imap(
    live: LiveServer, commands: Commands, alice: str
) -> None:
    assert deliver(live, alice, octets=15000, told=True) == [250]
    admin = imap(live, ADMIN)
    assert admin.setquota(alice, "(STORAGE 1000)")[0] == "OK"
    admin.logout()
    assert deliver(live, alice, octets=6000, told=True) == [250]
    told = commands.json("quota", "explain", alice, "--config", str(live.config))
    assert told["limits"][0]["source"] == f"administrator ({ADMIN}, SETQUOTA)"
    commands.json("quota", "set", alice, "--octets", "default")
    assert deliver(live, alice, octets=6000, told=True) == [552]


def test_a_domain_may_be_full(live: LiveServer, commands: Commands, alice: str) -> None:
    domain = alice.partition("@")[2]
    live.add_account(f"carol@{domain}", PASSWORD)
    assert deliver(live, alice, octets=15000, told=True) == [250]
    words = ("quota", "set", "--domain", domain, "--total", "--octets")
    commands.json(*words, "20K")
    assert deliver(live, f"carol@{domain}", octets=6000, told=False) == [552]
    assert deliver(live, f"carol@{domain}", octets=6000, told=True) == [552]
    assert deliver(live, f"carol@{domain}", octets=2000, told=True) == [250]
    commands.json(*words, "none")
    assert deliver(live, f"carol@{domain}", octets=6000, told=True) == [250]


def test_mail_may_wait_instead_and_limits_are_read_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    options = OPTIONS + '\n[delivery]\nover_quota = "defer"\n'
    server = LiveServer(tmp_path_factory.mktemp("defer"), options)
    server.add_account(ALICE, PASSWORD)
    assert deliver(server, ALICE, octets=22000, told=True) == [452]
    assert deliver(server, ALICE, octets=22000, told=False) == [452]
    text = server.config.read_text()
    server.config.write_text(text.replace("octets = 20000", "octets = 30000"))
    assert any("quota" in line for line in ask(server.data, "reload"))
    assert deliver(server, ALICE, octets=22000, told=True) == [250]
    server.process.stop()


class Hook(BaseHTTPRequestHandler):
    """Another program that is told about warnings."""

    posted: queue.Queue[tuple[str, bytes]] = queue.Queue()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.posted.put((self.headers["X-Mailhub-Signature"], body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Not on the tests' output."""


def test_a_crossing_is_told_by_webhook_mail_alert_and_metric(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("warn")
    secret = folder / "key"
    secret.touch(mode=0o600)
    secret.write_text("between us\n")
    web = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    options = (
        OPTIONS
        + f"""
webhook = "http://127.0.0.1:{web.server_port}/told"
webhook_secret_file = "{secret}"
"""
    )
    server = LiveServer(folder, options)
    server.add_account(ALICE, PASSWORD)
    assert deliver(server, ALICE, octets=17000, told=True) == [250]
    signature, body = Hook.posted.get(timeout=PATIENCE_SECONDS)
    moment, digest = re.fullmatch("t=([0-9]+),v1=([0-9a-f]+)", signature).groups()  # type: ignore[union-attr]
    assert hmac.new(b"between us", f"{moment}.".encode() + body, "sha256").hexdigest() == digest
    facts = json.loads(body)
    assert (facts["account"], facts["threshold"]) == (ALICE, 80)

    trust = ssl.create_default_context(cafile=str(server.ca))
    client = imaplib.IMAP4_SSL("localhost", server.port("imap", "implicit"), ssl_context=trust)
    client.login(ALICE, PASSWORD)
    assert client.response("ALERT")[1] is not None
    client.select("INBOX")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while client.search(None, "SUBJECT", "full")[1] == [b""]:
        assert time.monotonic() < deadline
        client.noop()
    client.logout()
    with urllib.request.urlopen(f"http://{server.address('metrics', 'none')}/metrics") as page:
        figures = page.read().decode()
    assert "mailhub_quota_drift_octets 0.0" in figures
    assert 'mailhub_domain_accounts{domain="example.org"}' in figures
    server.process.stop()
    web.shutdown()

"""GSSAPI with curl and a real KDC on a real server."""

from __future__ import annotations

import imaplib
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Commands
from tests.e2e.server import LiveServer, absent, peer
from tests.kdc import Kdc

ALICE = "alice@example.org"


@pytest.fixture(scope="module")
def kdc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kdc]:
    try:
        __import__("gssapi")
    except ImportError:
        absent("the module gssapi")
    made = Kdc(tmp_path_factory.mktemp("kdc"))
    for name in ("imap/localhost", "pop/localhost"):
        made.add(name)
    for name in ("alice", "mallory"):
        made.add(name, "pass word")
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, kdc: Kdc) -> Iterator[LiveServer]:
    keytab = kdc.keytab("mail.keytab", "imap/localhost", "pop/localhost")
    options = f"""
[auth]
failure_delay = 0

[gssapi]
keytab = "{keytab}"
hostname = "localhost"
"""
    server = LiveServer(tmp_path_factory.mktemp("gssapi"), options)
    server.add_account(ALICE, "pass word")
    yield server
    server.process.stop()


def curl(
    live: LiveServer, kdc: Kdc, who: str, protocol: str, tls: str
) -> subprocess.CompletedProcess[str]:
    scheme = protocol + ("s" if tls == "implicit" else "")
    url = f"{scheme}://localhost:{live.port(protocol, tls)}/"
    return subprocess.run(
        [
            *(
                peer("curl"),
                "-sS",
                "-v",
                "--ssl-reqd",
                "--cacert",
                live.ca,
                "-u",
                f"{who}@EXAMPLE.ORG:",
            ),
            *("--login-options", "AUTH=GSSAPI", url),
        ],
        env={**os.environ, **kdc.environment, "KRB5CCNAME": kdc.ticket(who, "pass word")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_curl_is_refused_with_the_ticket_of_nobody(
    live: LiveServer, kdc: Kdc, protocol: str
) -> None:
    done = curl(live, kdc, "mallory", protocol, "implicit")
    assert done.returncode == 67, done.stderr
    refused = done.stderr[done.stderr.rindex("(r-") + 1 :]
    explained = Commands(live.data.path)("explain", refused.partition(")")[0]).out
    assert "no name of the principal mallory@EXAMPLE.ORG has an account" in explained


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_curl_logs_in_by_its_ticket(live: LiveServer, kdc: Kdc, protocol: str, tls: str) -> None:
    done = curl(live, kdc, "alice", protocol, tls)
    assert done.returncode == 0, done.stderr
    assert "GSSAPI" in done.stderr


def test_nonsense_is_refused_and_the_connection_lives(live: LiveServer) -> None:
    client = imaplib.IMAP4("localhost", live.port("imap", "starttls"))
    assert "AUTH=GSSAPI" in client.capabilities
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.authenticate("GSSAPI", lambda challenge: b"nonsense")
    assert client.noop()[0] == "OK"
    client.logout()

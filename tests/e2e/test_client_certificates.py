"""SASL EXTERNAL with curl and imaplib on a real server, over implicit TLS and STARTTLS."""

from __future__ import annotations

import imaplib
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailhub.cli.control import ask
from tests.cli.conftest import Commands
from tests.e2e.server import LiveServer, peer
from tests.net.certificates import Authority, Issued, email

ALICE = "alice@example.org"
CA = Authority.make()
GOOD, REVOKED = CA.issue(email(ALICE)), CA.issue(email(ALICE))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "clients.pem").write_bytes(CA.issued.pem)
    (folder / "clients.crl").write_bytes(CA.crl())
    options = """
[auth]
failure_delay = 0

[tls]
client_ca = "clients.pem"
client_crl = "clients.crl"
"""
    server = LiveServer(folder, options)
    server.add_account(ALICE, "pass word")
    yield server
    server.process.stop()


def curl(
    live: LiveServer, shown: Issued, protocol: str, tls: str
) -> subprocess.CompletedProcess[str]:
    pem, key = shown.write(live.folder, "client")
    scheme = protocol + ("s" if tls == "implicit" else "")
    url = f"{scheme}://localhost:{live.port(protocol, tls)}/"
    return subprocess.run(
        [
            *(peer("curl"), "-sS", "--ssl-reqd", "--cacert", live.ca, "--cert", pem, "--key", key),
            *("--user", f"{ALICE}:", "--login-options", "AUTH=EXTERNAL", url),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_curl_logs_in_by_its_certificate(live: LiveServer, protocol: str, tls: str) -> None:
    done = curl(live, GOOD, protocol, tls)
    assert (done.returncode, done.stderr) == (0, "")
    if protocol == "imap":
        assert "* LIST" in done.stdout


def connect(live: LiveServer, shown: Issued | None, folder: Path) -> imaplib.IMAP4_SSL:
    trust = ssl.create_default_context(cafile=str(live.ca))
    if shown is not None:
        trust.load_cert_chain(*shown.write(folder, "imaplib"))
    return imaplib.IMAP4_SSL("localhost", live.port("imap", "implicit"), ssl_context=trust)


def test_it_is_offered_to_those_with_a_certificate_only(live: LiveServer, tmp_path: Path) -> None:
    without = connect(live, None, tmp_path)
    assert "AUTH=EXTERNAL" not in without.capabilities
    without.login(ALICE, "pass word")
    without.logout()
    client = connect(live, GOOD, tmp_path)
    assert "AUTH=EXTERNAL" in client.capabilities
    client.authenticate("EXTERNAL", lambda challenge: b"")
    assert client.select()[0] == "OK"
    client.logout()


def test_a_revoked_one_is_refused_after_a_reload_and_explained(
    live: LiveServer, tmp_path: Path
) -> None:
    (live.folder / "clients.crl").write_bytes(CA.crl(REVOKED))
    ask(live.data, "reload")
    client = connect(live, REVOKED, tmp_path)
    with pytest.raises(imaplib.IMAP4.error) as refused:
        client.authenticate("EXTERNAL", lambda challenge: b"")
    text = str(refused.value)
    assert "[AUTHENTICATIONFAILED]" in text
    reason_id = text[text.index("(r-") + 1 : text.rindex(")")]
    assert "certificate revoked" in Commands(live.data.path)("explain", reason_id).out
    client.login(ALICE, "pass word")
    client.logout()
    assert curl(live, GOOD, "imap", "implicit").returncode == 0

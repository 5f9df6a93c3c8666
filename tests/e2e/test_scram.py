"""SCRAM with somebody else's client: GNU SASL's gsasl, also bound to the TLS channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.clients import run
from tests.e2e.server import LiveServer, Login, peer


def gsasl(server: LiveServer, login: Login, folder: Path, password: str, *options: str) -> str:
    """What both sides said."""
    finished = run(
        peer("gsasl"),
        "--imap",
        *("--connect", f"localhost:{server.port('imap', 'starttls')}"),
        *("--x509-ca-file", server.ca),
        *("--authentication-id", login.user),
        *("--password", password),
        *options,
        folder=folder,
    )
    return finished.stdout.decode() + finished.stderr.decode()


@pytest.mark.parametrize(
    "options",
    [
        ["--mechanism", "SCRAM-SHA-256-PLUS"],
        ["--mechanism", "SCRAM-SHA-256", "--no-cb"],
        ["--mechanism", "SCRAM-SHA-1", "--no-cb"],
    ],
    ids=lambda options: options[1],
)
def test_each_side_proves_that_it_knows_the_password(
    server: LiveServer, login: Login, tmp_path: Path, options: list[str]
) -> None:
    said = gsasl(server, login, tmp_path, login.password, *options)
    assert "server trusted" in said


def test_a_wrong_password_is_refused(server: LiveServer, login: Login, tmp_path: Path) -> None:
    said = gsasl(server, login, tmp_path, "wrong", "--mechanism", "SCRAM-SHA-256-PLUS")
    assert "[AUTHENTICATIONFAILED]" in said
    assert "server trusted" not in said

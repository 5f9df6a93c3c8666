"""One server for all tests of a worker, and an account of its own for each test."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Iterator

import pytest

from tests.auth.issuer import ISSUER, jwks
from tests.e2e.server import LiveServer, Login
from tests.net.certificates import Authority

_numbers = itertools.count(1)


ADMINISTRATOR = "administrator@example.org"
MASTER = "master@example.org"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "clients.pem").write_bytes(Authority.make().issued.pem)
    (folder / "jwks.json").write_bytes(jwks())
    options = f"""
[auth]
administrators = ["{ADMINISTRATOR}"]
masters = ["{MASTER}"]

[tls]
client_ca = "clients.pem"
[[oauth]]
name = "staff"
issuer = "{ISSUER}"
jwks_file = "jwks.json"
audience = ["mail"]
"""
    live = LiveServer(folder, options)
    try:
        yield live
    finally:
        live.process.stop()


@pytest.fixture
def administrator(server: LiveServer) -> Login:
    """Who is offered more than others; only once for a server."""
    return server.add_account(ADMINISTRATOR, "pass word")


@pytest.fixture
def login(server: LiveServer) -> Login:
    """A new, empty account."""
    return _new_account(server)


@pytest.fixture
def other_login(server: LiveServer) -> Login:
    """Another new, empty account."""
    return _new_account(server)


def _new_account(server: LiveServer) -> Login:
    number = next(_numbers)
    return server.add_account(f"user{number}@example.org", f"pass word {number}")


@pytest.fixture
def trust(server: LiveServer) -> ssl.SSLContext:
    """A client that trusts the server's CA."""
    return ssl.create_default_context(cafile=str(server.ca))

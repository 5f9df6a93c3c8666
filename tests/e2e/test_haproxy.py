"""A real HAProxy in front, telling clients' addresses with PROXY headers."""

from __future__ import annotations

import contextlib
import imaplib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailhub.cli.control import ask
from tests.e2e.server import PATIENCE_SECONDS, LiveServer, peer

LISTENER = """\
[[listener]]
protocol = "imap"
address = "127.0.0.1:0"
tls = "none"
proxy = true

"""
HAPROXY = """\
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s

listen imap
    bind 127.0.0.2:{front}
    server mailhub 127.0.0.1:{back} {version}
"""


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path_factory.mktemp("proxied"), listeners=LISTENER)
    try:
        yield live
    finally:
        live.process.stop()


def free_port(host: str) -> int:
    with socket.socket() as taken:
        taken.bind((host, 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("version", ["send-proxy", "send-proxy-v2"])
def test_the_address_of_the_client_is_known_behind_a_proxy(
    proxied: LiveServer, tmp_path: Path, version: str
) -> None:
    front = free_port("127.0.0.2")
    config = tmp_path / "haproxy.cfg"
    back = proxied.port("imap", "none")
    config.write_text(HAPROXY.format(front=front, back=back, version=version))
    with subprocess.Popen([peer("haproxy"), "-q", "-db", "-f", config]) as haproxy:
        try:
            client = connect_from("127.0.0.3", ("127.0.0.2", front))
            addresses = [each["address"] for each in ask(proxied.data, "sessions")]
            client.logout()
        finally:
            haproxy.terminate()
    assert addresses == ["127.0.0.3"]


def test_a_client_without_the_header_is_let_go(proxied: LiveServer) -> None:
    with socket.create_connection(("127.0.0.1", proxied.port("imap", "none"))) as client:
        client.sendall(b"a NOOP\r\n")
        client.settimeout(PATIENCE_SECONDS)
        with contextlib.suppress(ConnectionResetError):  # what it sent is not even read
            assert client.recv(100) == b""


class FromAddress(imaplib.IMAP4):
    """Connects from a loopback address of its own."""

    def __init__(self, source: str, target: tuple[str, int]) -> None:
        self._source = source
        super().__init__(*target)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return socket.create_connection((self.host, self.port), source_address=(self._source, 0))


def connect_from(source: str, target: tuple[str, int]) -> imaplib.IMAP4:
    """Once HAProxy listens, which it does not tell."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            return FromAddress(source, target)
        except ConnectionRefusedError:
            continue
    pytest.fail("HAProxy does not listen")

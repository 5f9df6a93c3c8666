"""Addresses of listeners."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailhub.config.addresses import BadAddress, TcpAddress, UnixAddress, parse_address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "143",
        "localhost",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "::1:143",
        "[::1]",
        "[::g]:143",
        "mail.example.org:143",
        "127.0.0.256:143",
        "unix:",
        "unix:relative/path",
        "127.0.0.1:143\n",
        "127.0.0.1:\u0661\u0664\u0663",  # digits, but not ours
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:143", "127.0.0.1", 143),
        ("localhost:143", "127.0.0.1", 143),
        ("[::1]:143", "::1", 143),
        ("[0:0:0:0:0:0:0:1]:143", "::1", 143),
        ("*:993", "::", 993),
        (":993", "::", 993),
        ("0.0.0.0:0", "0.0.0.0", 0),
    ],
)
def test_hosts_and_ports_are_understood(text: str, host: str, port: int) -> None:
    assert parse_address(text) == TcpAddress(host, port)


def test_a_unix_socket_is_a_path() -> None:
    assert parse_address("unix:/run/mailhub/lmtp") == UnixAddress(Path("/run/mailhub/lmtp"))


@pytest.mark.parametrize("text", ["[::1]:143", "10.0.0.1:143", "unix:/run/lmtp"])
def test_an_address_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_address(text)) == text


@pytest.mark.parametrize(
    ("text", "loopback"),
    [("127.9.9.9:1", True), ("[::1]:1", True), ("*:1", False), ("unix:/s", True)],
)
def test_loopback_is_known(text: str, loopback: bool) -> None:
    assert parse_address(text).is_loopback is loopback

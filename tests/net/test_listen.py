"""Listening: what a listener becomes, and errors for people."""

from __future__ import annotations

import errno
import ipaddress
import socket
from contextlib import closing
from pathlib import Path

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory, Protocol

from mailhub.config.options import Listener
from mailhub.net.doorway import Doorway, entry_of
from mailhub.net.link import Entry
from mailhub.net.listen import ListenFailed, bind, explain, make_way
from tests.net.world import Story, World

HERE = IPv4Address("TCP", "127.0.0.1", 1)


class Stories(Factory):
    def buildProtocol(self, addr: object) -> Protocol:
        return Story(World().host)


def test_a_listener_tells_its_connections_how_clients_come_in() -> None:
    listener = Listener(
        "imap", "127.0.0.1:1993", tls="implicit", proxy=True, proxy_from=("::1/128",)
    )
    built = Doorway(Stories(), entry_of(listener)).buildProtocol(HERE)
    story: object = built

    assert isinstance(story, Story)
    assert story.entry == Entry("implicit", (ipaddress.ip_network("::1/128"),))


def test_protocols_that_are_no_connections_come_through_as_they_are() -> None:
    class Plain(Factory):
        protocol = Protocol

    built = Doorway(Plain.forProtocol(Protocol), Entry()).buildProtocol(HERE)
    assert type(built) is Protocol


needs_ipv6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("[::1]", marks=needs_ipv6)])
def test_tcp_addresses_are_listened_on(host: str) -> None:
    opened = bind(Listener("imap", f"{host}:0"))
    with closing(opened.socket):
        assert opened.address == f"{host}:{opened.tcp_port}"
        with socket.create_connection((host.strip("[]"), opened.tcp_port), timeout=30):
            assert opened.socket.accept()


@needs_ipv6
def test_all_addresses_are_those_of_both_kinds() -> None:
    opened = bind(Listener("imap", "*:0"))
    with closing(opened.socket):
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, opened.tcp_port), timeout=30):
                assert opened.socket.accept()


def test_all_addresses_mean_ipv4_only_on_a_machine_without_ipv6(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    opened = bind(Listener("imap", "*:0"))
    with closing(opened.socket):
        assert opened.address == f"0.0.0.0:{opened.tcp_port}"


@pytest.mark.parametrize("folder", ["short", "a folder with a name that is long " * 5])
def test_unix_sockets_get_their_mode_and_go_with_their_server(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "lmtp"
    path.parent.mkdir()
    opened = bind(Listener("lmtp", f"unix:{path}", mode="0600"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert (opened.address, opened.tcp_port) == (f"unix:{path}", None)
    opened.remove()
    assert not path.exists()


def test_the_socket_of_a_dead_server_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    make_way(path)

    assert not path.exists()


def test_the_socket_of_a_living_server_stays(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen()
        make_way(path)

        assert path.exists()


def test_a_file_in_the_place_of_a_socket_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    path.write_text("precious")
    with pytest.raises(ListenFailed, match="something else of that name"):
        make_way(path)

    assert path.read_text() == "precious"


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ListenFailed, match=f"address in use: {where}"):
            bind(Listener("imap", where))


def test_a_socket_that_somebody_serves_is_not_taken_over(tmp_path: Path) -> None:
    listener = Listener("lmtp", f"unix:{tmp_path}/lmtp")
    with closing(bind(listener).socket), pytest.raises(ListenFailed, match="address in use: unix:"):
        bind(listener)


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (OSError(errno.EACCES, ""), "permission denied for 0.0.0.0:143: ports below 1024"),
        (OSError(errno.EADDRNOTAVAIL, ""), "this machine has no such address"),
        (OSError(errno.EMFILE, ""), "Too many open files"),
        (ValueError("odd"), "odd"),
    ],
)
def test_errors_say_what_helps(problem: Exception, says: str) -> None:
    assert says in explain("0.0.0.0:143", problem)

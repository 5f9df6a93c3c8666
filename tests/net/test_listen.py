"""Listening: what a listener becomes, and errors for people."""

from __future__ import annotations

import errno
import ipaddress
import socket
from pathlib import Path

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactor

from mailhub.config.options import Listener
from mailhub.net.link import Entry
from mailhub.net.listen import Doorway, ListenFailed, entry_of, explain, listen, make_way
from tests.harness import run
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


@pytest.mark.parametrize(
    ("address", "interface"), [("127.0.0.1:1143", "127.0.0.1"), ("[::1]:1143", "::1")]
)
def test_tcp_addresses_are_listened_on(address: str, interface: str) -> None:
    reactor = MemoryReactor()
    run(listen(reactor, Listener("imap", address), Stories()))
    port, _, backlog, where = reactor.tcpServers[0]

    assert (port, where) == (1143, interface)
    assert backlog >= 1000


def test_all_addresses_mean_ipv4_only_on_a_machine_without_ipv6(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    reactor = MemoryReactor()
    run(listen(reactor, Listener("imap", "*:1143"), Stories()))

    assert reactor.tcpServers[0][3] == "0.0.0.0"


def test_unix_sockets_get_their_mode(tmp_path: Path) -> None:
    reactor = MemoryReactor()
    listener = Listener("lmtp", f"unix:{tmp_path}/lmtp", mode="0600")
    run(listen(reactor, listener, Stories()))
    path, _, _, mode, _ = reactor.unixServers[0]

    assert (path, mode) == (f"{tmp_path}/lmtp", 0o600)


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


def test_a_port_that_is_taken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    reactor = MemoryReactor()

    def taken(*args: object, **kwargs: object) -> None:
        raise CannotListenError("127.0.0.1", 1143, OSError(errno.EADDRINUSE, "in use"))

    monkeypatch.setattr(reactor, "listenTCP", taken)
    with pytest.raises(ListenFailed, match=r"address in use: 127\.0\.0\.1:1143"):
        run(listen(reactor, Listener("imap", "127.0.0.1:1143"), Stories()))


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

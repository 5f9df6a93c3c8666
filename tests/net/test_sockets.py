"""What only real sockets show: last words that arrive, slow readers, the kernel's part."""

from __future__ import annotations

import select
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.net.socket_server import FLOOD_SLICES, SLICE

FLOOD = FLOOD_SLICES * len(SLICE)
Connect = Callable[[], socket.socket]


@pytest.fixture
def write_timeout() -> str:
    return "300"


@pytest.fixture(params=["none", "implicit"])
def connect(
    request: pytest.FixtureRequest, tmp_path: Path, write_timeout: str
) -> Iterator[Connect]:
    """Connections to a server process of its own."""
    command = [sys.executable, "-m", "tests.net.socket_server", str(tmp_path), request.param]
    opened: list[socket.socket] = []
    with subprocess.Popen([*command, write_timeout], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        context = ssl.create_default_context(cafile=tmp_path / "ca.pem")

        def connect() -> socket.socket:
            made = socket.create_connection(("127.0.0.1", port), timeout=30)
            if request.param == "implicit":
                made = context.wrap_socket(made, server_hostname="localhost")
            opened.append(made)
            return made

        yield connect
        for made in opened:
            made.close()
        server.terminate()


def line(client: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        piece = client.recv(4096)
        assert piece, f"closed after {data!r}"
        data += piece
    return data


def until_end(client: socket.socket) -> bytes:
    pieces = []
    while piece := client.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def test_clients_are_greeted_and_heard(connect: Connect) -> None:
    client = connect()
    assert line(client) == b"hello\r\n"
    client.sendall(b"echo\r\n")
    assert line(client) == b"echo\r\n"


def test_last_words_arrive_though_the_client_is_still_sending(connect: Connect) -> None:
    client = connect()
    assert line(client) == b"hello\r\n"
    client.sendall(b"bye" + b"x" * 200_000)

    assert until_end(client) == b"goodbye\r\n"


def test_a_slow_reader_costs_little_memory_and_gets_everything(connect: Connect) -> None:
    slow, other = connect(), connect()
    assert line(slow) == line(other) == b"hello\r\n"
    slow.sendall(b"flood")
    assert select.select([slow], [], [], 30)[0]

    def memory() -> int:
        other.sendall(b"memory")
        return int(line(other))

    before = memory()
    received = 0
    while received < FLOOD:
        received += len(slow.recv(1_000_000))
    assert received == FLOOD
    assert memory() - before < 8 * 1024  # KiB; the flood is 64 MiB


def test_who_is_one_too_many_is_told(connect: Connect) -> None:
    for _ in range(20):
        assert line(connect()) == b"hello\r\n"
    refused = connect()

    assert until_end(refused) == b"Too many connections to this server, try again later\r\n"


def test_a_place_is_free_again_when_its_client_has_gone(connect: Connect) -> None:
    clients = [connect() for _ in range(20)]
    for client in clients:
        assert line(client) == b"hello\r\n"
    clients[0].sendall(b"bye")
    assert until_end(clients[0]) == b"goodbye\r\n"
    clients[0].close()
    clients[1].sendall(b"round trip")
    clients[1].recv(100)

    assert line(connect()) == b"hello\r\n"


@pytest.mark.parametrize("write_timeout", ["0.2"])
def test_who_takes_nothing_is_cut_off(connect: Connect) -> None:
    client = connect()
    assert line(client) == b"hello\r\n"
    client.sendall(b"flood")
    poll = select.poll()
    poll.register(client, select.POLLERR | select.POLLHUP)

    assert poll.poll(30_000)


@pytest.mark.parametrize("connect", ["implicit"], indirect=True)
def test_a_client_in_clear_on_a_tls_port_is_not_kept_waiting(connect: Connect) -> None:
    made = connect()
    with socket.create_connection(made.getpeername(), timeout=30) as client:
        client.sendall(b"a1 CAPABILITY\r\n")
        answer = until_end(client)

    assert not answer or answer.startswith(b"\x15\x03")  # a TLS alert at most

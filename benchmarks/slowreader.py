"""What a client that reads slowly costs: FETCH 1:* (BODY.PEEK[]) of 100,000 messages.

    python -m benchmarks.slowreader [--messages 100000] [--octets-per-second 20000000]

The memory of all processes of the server (proportional set size), before and at most meanwhile:
it may grow by 8 MiB.  A client that has stopped to read must not be what is measured, so a look
is taken every few hundred reads until all has come.
"""

from __future__ import annotations

import argparse
import socket
import sys
import time

from benchmarks import servers
from mailhub.bench import mail
from mailhub.bench.procs import Probe
from mailhub.bench.target import read_target

MOST = 8 * 1024 * 1024
CHUNK = 16 * 1024
FIRST = 500
"""So many messages are filed; the others are copies of them."""
LOOKS = 40


class Client:
    """Commands one after the other; what is answered is thrown away as it comes."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK)
        self._tail = b""

    def send(self, command: bytes) -> None:
        self._tail = b""
        self._socket.sendall(b"a " + command + b"\r\n")

    def read(self) -> int:
        """Some octets of the answer; 0: it has ended.  Raises ConnectionError."""
        if b"\na OK" in self._tail and self._tail.endswith(b"\n"):
            return 0
        data = self._socket.recv(CHUNK)
        if not data or b"\na NO" in self._tail or b"\na BAD" in self._tail:
            raise ConnectionError(self._tail)
        self._tail = (b"\n" + data if not self._tail else self._tail + data)[-2_000:]
        return len(data)

    def do(self, command: bytes) -> None:
        self.send(command)
        while self.read():
            pass


def fill(client: Client, messages: int) -> None:
    client.do(b"LOGIN bench1@example.org " + servers.PASSWORD.encode())
    for number in range(FIRST):
        message = mail.typical(number)
        client.do(b"APPEND INBOX {%d+}\r\n%b" % (len(message), message))
    client.do(b"SELECT INBOX")
    present = FIRST
    while present < messages:
        more = min(present, messages - present)
        client.do(b"COPY 1:%d INBOX" % more)
        client.do(b"NOOP")
        present += more


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--octets-per-second", type=int, default=20_000_000)
    options = parser.parse_args()
    with servers.mailhub(1) as server:
        probe = Probe(read_target(server.target("none")))
        client = Client(server.ports["imap"])
        fill(client, options.messages)
        client.do(b"FETCH 1:%d (BODY.PEEK[])" % min(FIRST, options.messages))  # what stays anyway
        before = _memory(probe)
        client.send(b"FETCH 1:* (BODY.PEEK[])")
        most, octets, looked, began = 0, 0, 0, time.monotonic()
        expected = options.messages * 6_700
        while got := client.read():
            octets += got
            if octets > looked:
                most, looked = max(most, _memory(probe)), octets + expected // LOOKS
            ahead = octets / options.octets_per_second - (time.monotonic() - began)
            if ahead > 0:
                time.sleep(ahead)
        grown = most - before
        print(
            f"{octets / 1e6:,.0f} MB in {time.monotonic() - began:.0f} s;"
            f" memory {before / 2**20:.1f} MiB before, {grown / 2**20:+.1f} MiB at most"
        )
        sys.exit(grown > MOST)


def _memory(probe: Probe) -> int:
    usage = probe.usage()
    assert usage is not None
    return usage.memory_octets


if __name__ == "__main__":
    main()

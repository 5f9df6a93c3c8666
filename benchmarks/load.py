"""A load generator for any IMAP and LMTP server: blocking sockets, one thread a connection.

Its messages are the same for every server.  It prints one line a workload: units per second.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import socket
import threading
import time
from collections.abc import Callable


def message(n: int, octets: int = 4096) -> bytes:
    rng = random.Random(n)
    head = (
        f"Return-Path: <sender{n % 50}@example.com>\r\n"
        f"Received: from mx{n % 5}.example.com (mx.example.com [192.0.2.{n % 250}])\r\n"
        f"\tby mail.example.org with ESMTP id {rng.getrandbits(48):x}\r\n"
        f"\tfor <user@example.org>; Mon, 7 Feb 2022 21:52:25 -0800\r\n"
        f"Date: Mon, {n % 28 + 1} Feb 2022 21:52:25 -0800\r\n"
        f'From: "Sender Number {n % 50}" <sender{n % 50}@example.com>\r\n'
        f"To: User <user@example.org>, Other <other{n % 7}@example.org>\r\n"
        f"Cc: third@example.net\r\n"
        f"Subject: Re: [list] Message number {n} about {rng.choice(WORDS)}\r\n"
        f"Message-ID: <{n}.{rng.getrandbits(64):x}@example.com>\r\n"
        f"In-Reply-To: <{n - 1}.parent@example.com>\r\n"
        f"References: <{n - 2}.a@example.com> <{n - 1}.parent@example.com>\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: 7bit\r\n\r\n"
    )
    lines = []
    size = len(head)
    while size < octets:
        line = " ".join(rng.choice(WORDS) for _ in range(9))
        lines.append(line)
        size += len(line) + 2
    return (head + "\r\n".join(lines) + "\r\n").encode()


WORDS = (
    "mail",
    "server",
    "quota",
    "ledger",
    "harbour",
    "window",
    "meeting",
    "budget",
    "plan",
    "aurora",
    "paper",
    "answer",
)


class Line:
    """A connection of lines."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", 1 << 16)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def line(self) -> bytes:
        line = self.file.readline()
        if not line:
            raise ConnectionError("closed")
        return line

    def close(self) -> None:
        self.file.close()
        self.socket.close()


class Imap(Line):
    def __init__(self, port: int, user: str, password: str) -> None:
        super().__init__(port)
        self.line()
        self.command(f'LOGIN "{user}" "{password}"')

    def command(self, text: str) -> int:
        """Send it, read to the tagged reply; the number of octets that came."""
        self.send(b"a " + text.encode() + b"\r\n")
        return self.until_tagged(text)

    def until_tagged(self, text: str) -> int:
        octets = 0
        while True:
            line = self.line()
            octets += len(line)
            if line.startswith(b"a "):
                if not line.startswith(b"a OK"):
                    raise RuntimeError(f"{text[:60]}: {line!r}")
                return octets
            if line.endswith(b"}\r\n") and b"{" in line:
                octets += len(self.file.read(int(line[line.rindex(b"{") + 1 : -3])))

    def append(self, data: bytes, mailbox: str = "INBOX") -> None:
        self.send(b"a APPEND %s {%d+}\r\n" % (mailbox.encode(), len(data)) + data + b"\r\n")
        self.until_tagged("APPEND")


class Lmtp(Line):
    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.reply()
        self.ask(b"LHLO bench.example.org\r\n")

    def reply(self) -> None:
        while True:
            line = self.line()
            if line[3:4] != b"-":
                break
        if line[:1] not in b"23":
            raise RuntimeError(repr(line))

    def ask(self, data: bytes) -> None:
        self.send(data)
        self.reply()

    def deliver(self, recipient: str, data: bytes) -> None:
        self.send(b"MAIL FROM:<s@example.com>\r\nRCPT TO:<%s>\r\nDATA\r\n" % recipient.encode())
        for _ in range(3):
            self.reply()
        self.ask(data + b".\r\n")


def parallel(connections: int, total: int, make: Callable[[int], Callable[[int], None]]) -> float:
    """Run *total* units over *connections* threads; units per second."""
    start = threading.Barrier(connections + 1)
    failures: list[BaseException] = []

    def worker(number: int) -> None:
        try:
            unit = make(number)
        except BaseException as failure:
            failures.append(failure)
            start.abort()
            return
        start.wait()
        try:
            for n in range(number, total, connections):
                unit(n)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=worker, args=(i,)) for i in range(connections)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.monotonic()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return total / (time.monotonic() - began)


FETCHES = {
    "flags": "FETCH 1:* (UID FLAGS)",
    "envelope": "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
    "fields": (
        "FETCH 1:* BODY.PEEK[HEADER.FIELDS (FROM TO CC BCC SUBJECT DATE MESSAGE-ID REFERENCES)]"
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--imap", type=int, required=True)
    parser.add_argument("--lmtp", type=int, required=True)
    parser.add_argument("--users", required=True, help="comma separated; the first holds the mail")
    parser.add_argument("--password", required=True)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--units", type=int, default=1500)
    parser.add_argument("--only", default="")
    o = parser.parse_args()
    users = o.users.split(",")
    pool = [message(n) for n in range(200)]
    results: dict[str, float] = {}

    def note(name: str, value: float) -> None:
        results[name] = round(value, 2)
        print(f"{name:32} {value:12.1f}", flush=True)

    def wanted(name: str) -> bool:
        return not o.only or any(part in name for part in o.only.split(","))

    def append(number: int) -> Callable[[int], None]:
        imap = Imap(o.imap, users[number % len(users)], o.password)
        return lambda n: imap.append(pool[n % len(pool)])

    def lmtp(number: int) -> Callable[[int], None]:
        line = Lmtp(o.lmtp)
        user = users[number % len(users)]
        address = user if "@" in user else f"{user}@example.org"
        return lambda n: line.deliver(address, pool[n % len(pool)])

    for connections in (1, 50):
        if wanted(f"append{connections}"):
            units = o.units if connections > 1 else o.units // 3
            note(f"append{connections}", parallel(connections, units, append))
        if wanted(f"lmtp{connections}"):
            units = o.units if connections > 1 else o.units // 3
            note(f"lmtp{connections}", parallel(connections, units, lmtp))

    if any(wanted(w) for w in (*FETCHES, "select", "bodies")):
        imap = Imap(o.imap, users[0], o.password)
        with contextlib.suppress(RuntimeError):  # it is there from a run before
            imap.command("CREATE bench")
        imap.command("SELECT bench")
        present = count(imap)
        if present < o.messages:
            began = time.monotonic()
            fill(imap, o.messages - present)
            note("fill (one connection)", (o.messages - present) / (time.monotonic() - began))
        imap.command("SELECT bench")
        began = time.monotonic()
        for _ in range(20):
            imap.command("SELECT bench")
        note("select repeated, ms", (time.monotonic() - began) * 50)
        for name, text in FETCHES.items():
            if wanted(name):
                rates = []
                for _ in range(3):
                    began = time.monotonic()
                    imap.command(text)
                    rates.append(o.messages / (time.monotonic() - began))
                note(f"fetch {name}, messages/s", max(rates))
        if wanted("bodies"):
            began = time.monotonic()
            octets = imap.command("UID FETCH 1:5000 (BODY.PEEK[])")
            note("fetch bodies, MB/s", octets / 1e6 / (time.monotonic() - began))
    print(json.dumps(results))


def count(imap: Imap) -> int:
    imap.send(b"a STATUS bench (MESSAGES)\r\n")
    line = imap.line()
    imap.until_tagged("STATUS")
    return int(line.split(b"MESSAGES ")[1].split(b")")[0])


def fill(imap: Imap, total: int) -> None:
    """Many messages quickly: 200 an APPEND (MULTIAPPEND)."""
    done = 0
    while done < total:
        batch = [message(done + i, 1500) for i in range(min(200, total - done))]
        literals = b"".join(b" {%d+}\r\n%b" % (len(m), m) for m in batch)
        imap.send(b"a APPEND bench" + literals + b"\r\n")
        imap.until_tagged("APPEND")
        done += len(batch)


if __name__ == "__main__":
    main()

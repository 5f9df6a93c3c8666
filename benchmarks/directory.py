"""A storm of log-ins against a directory: how long does the reactor pause?

    python -m benchmarks.directory [helper|threads] [connections]

Starts slapd with the people of the tests, and a line server that proves each "name password" it is
sent; another process opens all connections at once.  ``helper`` is what mailhub does; ``threads``
runs the same code in eight threads of the reactor's process, for comparison.  Ticks of a
millisecond tell the pauses; what of the longest one was work of the reactor's own is told beside
it, for on a busy machine the rest is waiting for a processor.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from twisted.internet import reactor as real_reactor  # noqa: TID251 - a program of its own
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThreadPool
from twisted.protocols.basic import LineReceiver
from twisted.python.threadpool import ThreadPool

from mailhub.config.options import DirectoryConfig, DirectoryGroups
from mailhub.directory.directory import Directories
from mailhub.directory.lookup import Lookup
from mailhub.directory.watching import Nobody
from mailhub.metrics import Metrics
from mailhub.model.steps import UNHEARD
from mailhub.net.agenda import Agenda
from mailhub.net.selfsigned import ensure_certificate
from tests.directory.people import COUNT, GROUPS, PEOPLE, SECRET, SERVICE, password
from tests.directory.slapd import Slapd

reactor: Any = real_reactor
TICK_SECONDS = 0.001


class InThreads:
    """The same questions in this process."""

    def __init__(self, config: DirectoryConfig) -> None:
        self._lookup = Lookup(config, Nobody())
        self._pool = ThreadPool(8, 8)
        self._pool.start()
        reactor.addSystemEventTrigger("before", "shutdown", self._pool.stop)

    def prove(self, login: str, secret: str) -> Deferred[Any]:
        lookup = self._lookup
        ask, end = lookup.prove, lookup.deadline()
        return deferToThreadPool(reactor, self._pool, ask, login, secret, end, UNHEARD)


class InHelper:
    def __init__(self, config: DirectoryConfig) -> None:
        self._all = Directories(reactor, Agenda(reactor), [config], Metrics())
        self._all.start()
        reactor.addSystemEventTrigger("before", "shutdown", self._all.stop)

    def prove(self, login: str, secret: str) -> Deferred[Any]:
        return Deferred.fromCoroutine(self._all.all[0].prove(login, secret))


class Pauses:
    def __init__(self) -> None:
        self.seconds: list[tuple[float, float]] = []
        """Each with the processor's time in it."""
        self._last: tuple[float, float] | None = None

    def tick(self) -> None:
        now = (time.perf_counter(), time.thread_time())
        if self._last is not None:
            paused = max(0.0, now[0] - self._last[0] - TICK_SECONDS)
            self.seconds.append((paused, now[1] - self._last[1]))
        self._last = now
        reactor.callLater(TICK_SECONDS, self.tick)


class Line(LineReceiver):
    def lineReceived(self, line: bytes) -> None:
        name, _, secret = line.decode().partition(" ")
        asked = self.factory.prover.prove(name, secret)
        asked.addCallbacks(
            lambda _: self.sendLine(b"OK"), lambda f: self.sendLine(f.type.__name__.encode())
        )


async def client(port: int, number: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    name = f"p{number % COUNT:03}"
    writer.write(f"{name} {password(name)}\r\n".encode())
    answer = await reader.readline()
    writer.close()
    return answer.decode().strip()


async def clients(port: int, count: int) -> None:
    answers = await asyncio.gather(*(client(port, n) for n in range(count)))
    print({answer: answers.count(answer) for answer in set(answers)})


def directory(folder: Path, slapd: Slapd) -> DirectoryConfig:
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    return DirectoryConfig(
        "corp", servers=(slapd.secure,), preset="openldap", tls_ca=slapd.ca, bind_dn=SERVICE,
        bind_password_file=secret, user_base=PEOPLE, groups=DirectoryGroups(base=GROUPS),
    )  # fmt: skip


def serve(mode: str, count: int) -> None:
    sys.setswitchinterval(0.0005)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ensure_certificate(folder / "tls")
        slapd = Slapd(folder / "slapd", folder / "tls")
        slapd.fill()
        slapd.start()
        factory: Any = Factory.forProtocol(Line)
        config = directory(folder, slapd)
        factory.prover = InThreads(config) if mode == "threads" else InHelper(config)
        port = reactor.listenTCP(0, factory, backlog=1024, interface="127.0.0.1").getHost().port
        pauses = Pauses()
        reactor.callLater(1, storm, port, count, pauses)
        reactor.run()
        slapd.kill()
    told = sorted(pauses.seconds)
    longest, work = told[-1]
    print(
        f"{mode}: longest pause {longest * 1000:.1f} ms, {work * 1000:.1f} ms of it work; "
        f"99 of 100 under {told[int(len(told) * 0.99)][0] * 1000:.1f} ms, "
        f"most work {max(work for _, work in told) * 1000:.1f} ms"
    )


def storm(port: int, count: int, pauses: Pauses) -> None:
    started = time.perf_counter()
    program = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.directory", "clients", str(port), str(count)]
    )
    pauses.tick()

    def look() -> None:
        if program.poll() is None:
            reactor.callLater(0.01, look)
        else:
            print(f"{count} log-ins in {time.perf_counter() - started:.1f} s")
            reactor.stop()

    look()


if __name__ == "__main__":
    if sys.argv[1:2] == ["clients"]:
        asyncio.run(clients(int(sys.argv[2]), int(sys.argv[3])))
    else:
        serve(*(sys.argv[1:2] or ["helper"]), count=int((sys.argv[2:3] or ["500"])[0]))

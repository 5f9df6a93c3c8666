"""A real ``twist mailhub`` in a process of its own, for tests that talk to it over sockets."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import pytest

from mailhub.auth.verifiers import make_verifiers
from mailhub.cli.control import ask
from mailhub.service.banner import READY
from mailhub.store.hub import accounts, domains
from mailhub.store.hub.database import HubFile
from mailhub.store.hub.datadir import DataDir

ROOT = Path(__file__).parents[2]
TWIST = Path(sys.executable).with_name("twist")
PATIENCE_SECONDS = 30
"""After which something that should have happened is taken not to happen."""


def peer(program: str) -> str:
    """The path of a program from Debian; skips the test, or fails it where CI wants it there."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        absent(program)
    return path


def absent(what: str) -> NoReturn:
    """Skip the test because *what* is not installed; where CI wants it there, fail."""
    if os.environ.get("MAILHUB_REQUIRE_PEERS") == "1":
        pytest.fail(f"{what} is not installed")
    pytest.skip(f"{what} is not installed")


@dataclass(frozen=True)
class Login:
    """An account of a test's own."""

    user: str
    password: str


class Ended(Exception):
    """The process has ended without saying what was waited for."""


class Output:
    """The lines that a process prints, as they come."""

    def __init__(self, stream: IO[str]) -> None:
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def until(self, text: str) -> str:
        """Everything up to the next line with *text*.  Raises Ended, queue.Empty."""
        seen: list[str] = []
        while True:
            line = self._queue.get(timeout=PATIENCE_SECONDS)
            if line is None:
                raise Ended("\n".join(self.lines))
            self.lines.append(line)
            seen.append(line)
            if text in line:
                return "\n".join(seen)

    def rest(self) -> str:
        """What comes until the end."""
        while (line := self._queue.get(timeout=PATIENCE_SECONDS)) is not None:
            self.lines.append(line)
        return "\n".join(self.lines)


class MailhubProcess:
    """``twist mailhub ARGUMENTS`` in *folder*."""

    def __init__(self, folder: Path, *arguments: str | Path) -> None:
        self.process = subprocess.Popen(
            [TWIST, "mailhub", *map(str, arguments)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.output = Output(self.process.stdout)
        self.log = Output(self.process.stderr)

    def until_ready(self) -> str:
        """What it printed up to its word that it is ready; fails when it ends instead."""
        try:
            return self.output.until(READY)
        except Ended:
            pytest.fail("mailhub did not start:\n" + self.log.rest())

    def stop(self) -> int:
        """Ask it to end; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """kill -9 of the server: of all its processes at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait(self) -> int:
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail("mailhub did not end:\n" + "\n".join(self.log.lines))


class LiveServer:
    """A server with a configuration of its own, on free ports of loopback."""

    def __init__(
        self, folder: Path, options: str = "", listeners: str = "", before: str = ""
    ) -> None:
        """*before*: options that are in no section."""
        self.folder = folder
        self.data = DataDir(folder / "mail")
        self.config = folder / "mailhub.toml"
        self.config.write_text(before + CONFIG + listeners + options)
        self.start()

    def start(self) -> None:
        self.process = MailhubProcess(self.folder, "--config", self.config)
        self.process.until_ready()
        self.listeners: list[dict[str, Any]] = ask(self.data, "status")["listeners"]

    def restart(self) -> None:
        self.process.stop()
        self.start()

    def address(self, protocol: str, tls: str) -> str:
        return next(
            str(each["address"])
            for each in self.listeners
            if (each["protocol"], each["tls"]) == (protocol, tls)
        )

    def port(self, protocol: str, tls: str) -> int:
        return int(self.address(protocol, tls).rpartition(":")[2])

    @property
    def ca(self) -> Path:
        return self.data.tls / "ca.pem"

    def add_account(self, address: str, password: str) -> Login:
        """Beside the running server, as the command line does it."""
        hub = HubFile.open(self.data.hub_db)
        domain, now = address.partition("@")[2], int(time.time())
        try:
            with hub.write() as tx:
                if all(each.name != domain for each in domains.all_domains(tx)):
                    domains.add(tx, domain, now)
                accounts.add(tx, address, now, verifiers=make_verifiers(password))
        finally:
            hub.close()
        return Login(address, password)


CONFIG = """\
data_dir = "mail"
hostname = "mail.example.org"

[[listener]]
protocol = "imap"
address = "127.0.0.1:0"
tls = "starttls"

[[listener]]
protocol = "imap"
address = "127.0.0.1:0"
tls = "implicit"

[[listener]]
protocol = "pop3"
address = "127.0.0.1:0"
tls = "starttls"

[[listener]]
protocol = "pop3"
address = "127.0.0.1:0"
tls = "implicit"

[[listener]]
protocol = "lmtp"
address = "127.0.0.1:0"

[[listener]]
protocol = "metrics"
address = "127.0.0.1:0"

"""

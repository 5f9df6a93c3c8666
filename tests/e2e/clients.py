"""What tests with other people's clients share: running them, and a witness of the outcome."""

from __future__ import annotations

import imaplib
import os
import re
import smtplib
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.server import PATIENCE_SECONDS, LiveServer, Login, absent, peer

PROGRAMS = Path(__file__).with_name("programs")
"""Small programs in the languages of the libraries that are tried."""
NAMED = 'Entwürfe & "Ablage"'
"""A folder whose name every client has to encode and quote."""
NAMED_UTF7 = 'Entw&APw-rfe &- "Ablage"'
"""How it is called in IMAP4rev1, written by hand."""
UNQUOTED = "Entwürfe & Ablage"
"""For clients that do not escape quotes."""


def environment(folder: Path) -> dict[str, str]:
    """For a client with a home of its own."""
    return {
        **os.environ,
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / ".config"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }


def run(
    *command: str | Path, folder: Path, stdin: bytes = b"", seconds: float = PATIENCE_SECONDS
) -> subprocess.CompletedProcess[bytes]:
    """Run a client in a home of its own; what it said is shown when a test fails."""
    finished = subprocess.run(
        command,
        cwd=folder,
        env=environment(folder),
        input=stdin,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    print(finished.stdout.decode("utf-8", "replace"), finished.stderr.decode("utf-8", "replace"))
    return finished


def write(path: Path, text: str) -> Path:
    """A configuration with a password in it: clients refuse those that others can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def make_maildir(path: Path) -> Path:
    for each in ("cur", "new", "tmp"):
        (path / each).mkdir(parents=True)
    return path


def library(name: str, *attempt: str) -> None:
    """Skip the test, or fail it where CI wants it there, unless the command *attempt* works."""
    peer(attempt[0])
    if subprocess.run(attempt, capture_output=True, check=False).returncode:
        absent(name)


def deliver(server: LiveServer, login: Login, *texts: bytes, detail: str = "") -> None:
    """Mail that comes in by LMTP; *detail* begins with the delimiter."""
    user, _, domain = login.user.partition("@")
    with smtplib.LMTP("127.0.0.1", server.port("lmtp", "none")) as lmtp:
        for text in texts:
            assert lmtp.sendmail("ann@example.com", [f"{user}{detail}@{domain}"], text) == {}


@dataclass(frozen=True)
class Seen:
    """A message as the server shows it."""

    uid: int
    flags: frozenset[str]
    data: bytes


class Witness:
    """Python's imaplib, which says what really is on the server.  It speaks IMAP4rev2."""

    def __init__(self, server: LiveServer, login: Login, trust: ssl.SSLContext) -> None:
        port = server.port("imap", "implicit")
        self.imap = imaplib.IMAP4_SSL("localhost", port, ssl_context=trust)
        self.imap.login(login.user, login.password)
        self._ok(self.imap.enable("IMAP4rev2"))  # names in UTF-8

    def create(self, *folders: str) -> None:
        for each in folders:
            self._ok(self.imap._simple_command("CREATE", quoted(each)))

    def append(self, folder: str, data: bytes, flags: str = "") -> None:
        self.imap.literal = data  # type: ignore[assignment]
        self._ok(self.imap._simple_command("APPEND", quoted(folder), f"({flags})".encode()))

    def messages(self, folder: str = "INBOX") -> list[Seen]:
        """All of a folder, in the order of their UIDs."""
        self._open("EXAMINE", folder)
        parts = self._ok(self.imap.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])"))
        return [seen(part[0], part[1]) for part in parts if isinstance(part, tuple)]

    def texts(self, folder: str = "INBOX") -> list[bytes]:
        return [each.data for each in self.messages(folder)]

    def store(self, folder: str, uids: str, change: str, flags: str) -> None:
        self._open("SELECT", folder)
        self._ok(self.imap.uid("STORE", uids, change, flags))

    def remove(self, folder: str, uids: str) -> None:
        self.store(folder, uids, "+FLAGS.SILENT", r"(\Deleted)")
        self._ok(self.imap.uid("EXPUNGE", uids))

    def folders(self) -> set[str]:
        names = set()
        for line in self._ok(self.imap.list()):
            assert isinstance(line, bytes)
            name = line.decode().split(' "/" ', 1)[1]
            names.add(re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name)
        return names

    def _open(self, command: str, folder: str) -> None:
        """imaplib's own select() would take names in ASCII only."""
        self.imap.is_readonly = command == "EXAMINE"
        self._ok(self.imap._simple_command(command, quoted(folder)))
        self.imap.state = "SELECTED"

    def _ok(self, answer: tuple[str, Sequence[object]]) -> list[object]:
        assert answer[0] == "OK", answer
        return list(answer[1])


@contextmanager
def witness(server: LiveServer, login: Login, trust: ssl.SSLContext) -> Iterator[Witness]:
    """For a while; it leaves before the client under test comes again."""
    it = Witness(server, login, trust)
    try:
        yield it
    finally:
        it.imap.logout()


def seen(head: bytes, data: bytes) -> Seen:
    uid = re.search(rb"UID (\d+)", head)
    flags = re.search(rb"FLAGS \(([^)]*)\)", head)
    assert uid is not None
    assert flags is not None
    return Seen(int(uid[1]), frozenset(flags[1].decode().split()) - {"\\Recent"}, data)


def quoted(name: str) -> bytes:
    return b'"' + name.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


def with_lf(texts: Sequence[bytes]) -> list[bytes]:
    """As Unix programs keep mail, sorted."""
    return sorted(text.replace(b"\r\n", b"\n") for text in texts)

"""``twist mailhub`` without a file: what a new user sees."""

from __future__ import annotations

import imaplib
import os
import poplib
import re
import shlex
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailhub.config.load import embedded_config
from tests.e2e.server import PATIENCE_SECONDS, Login, MailhubProcess, peer

END = "Ctrl-C"
"""In the last line that is printed."""


@dataclass(frozen=True)
class Example:
    folder: Path
    offset: int
    said: str
    """What the first start printed."""

    def login(self, name: str) -> Login:
        found = re.search(rf"user ({name}@example\.org) +password (\S+)", self.said)
        assert found, self.said
        return Login(*found.groups())

    def imap(self, name: str) -> imaplib.IMAP4:
        trust = ssl.create_default_context(cafile=str(self.folder / "var" / "tls" / "ca.pem"))
        client = imaplib.IMAP4_SSL("localhost", 1993 + self.offset, ssl_context=trust)
        login = self.login(name)
        client.login(login.user, login.password)
        return client


def free_offset() -> int:
    """At which the ports of the example are free."""
    ports = [int(each.address.rpartition(":")[2]) for each in embedded_config().listeners]
    for attempt in range(200):  # below the ports that the system gives away, apart by process
        offset = 7000 + (os.getpid() + attempt) % 200 * 100
        taken = [socket.socket() for _ in ports]
        try:
            for port, each in zip(ports, taken, strict=True):
                each.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        finally:
            for each in taken:
                each.close()
        return offset
    pytest.fail("no free ports")


def start(folder: Path, offset: int) -> tuple[MailhubProcess, str]:
    process = MailhubProcess(folder, "--port-offset", str(offset))
    return process, process.until_ready() + process.output.until(END)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    folder, offset = tmp_path_factory.mktemp("example"), free_offset()
    process, said = start(folder, offset)
    try:
        yield Example(folder, offset, said)
    finally:
        process.stop()


def test_the_curl_line_that_is_printed_works(example: Example) -> None:
    peer("curl")
    (line,) = (line for line in example.said.splitlines() if line.strip().startswith("curl "))
    done = subprocess.run(
        shlex.split(line), capture_output=True, timeout=PATIENCE_SECONDS, check=True
    )
    assert re.search(rb"^Subject: ", done.stdout, re.MULTILINE)


def test_alice_finds_sample_mail_in_folders_that_are_subscribed(example: Example) -> None:
    imap = example.imap("alice")
    counts = {}
    for line in imap.list()[1]:
        assert isinstance(line, bytes)
        folder = line.split(b' "/" ')[1].decode()
        (answer,) = imap.status(folder, "(MESSAGES)")[1]
        counts[folder] = int(answer.rpartition(b"MESSAGES ")[2].rstrip(b")"))
    subscribed = {line.split(b' "/" ')[1].decode() for line in imap.lsub()[1]}
    imap.logout()
    assert sum(counts.values()) >= 40
    assert counts["INBOX"] > 10
    assert {"Sent", "Drafts", "Trash", "Junk", "Archive"} <= set(counts)
    assert subscribed == set(counts)


def test_bob_starts_with_empty_folders(example: Example) -> None:
    imap = example.imap("bob")
    assert imap.select("INBOX") == ("OK", [b"0"])
    imap.logout()


def test_a_password_may_come_in_clear_from_this_machine(example: Example) -> None:
    login = example.login("alice")
    pop3 = poplib.POP3("127.0.0.1", 1110 + example.offset)
    pop3.user("alice")  # the only domain need not be written
    pop3.pass_(login.password)
    assert pop3.stat()[0] > 10
    pop3.quit()


def test_the_passwords_are_kept_nowhere(example: Example) -> None:
    secret = example.login("bob").password.encode()
    for path in (example.folder / "var").rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path


def test_started_again_everything_is_kept_and_it_is_quick(tmp_path: Path) -> None:
    offset = free_offset()
    process, said = start(tmp_path, offset)
    first = Example(tmp_path, offset, said)
    imap = first.imap("alice")
    imap.append("INBOX", None, None, b"Subject: mine\r\n\r\n")
    count = imap.select("INBOX")[1]
    imap.logout()
    process.stop()

    process, said = start(tmp_path, offset)
    try:
        assert "password " not in said.replace("mailhub passwd", "")
        imap = first.imap("alice")
        assert imap.select("INBOX")[1] == count
        assert imap.search(None, "SUBJECT", "mine")[1] != [b""]
        imap.logout()
    finally:
        process.stop()


def test_a_server_is_ready_within_a_second_or_so(tmp_path: Path) -> None:
    offset = free_offset()
    start(tmp_path, offset)[0].stop()
    began = time.monotonic()
    process, _ = start(tmp_path, offset)
    seconds = time.monotonic() - began
    process.stop()
    assert seconds < 5  # a loaded machine; alone it is 0.7


def test_a_first_start_that_was_interrupted_is_finished_by_the_next(tmp_path: Path) -> None:
    offset = free_offset()
    process = MailhubProcess(tmp_path, "--port-offset", str(offset))
    while not (tmp_path / "var" / "hub.db").exists() and process.process.poll() is None:
        pass
    process.process.kill()
    process.wait()
    process, said = start(tmp_path, offset)
    try:
        imap = Example(tmp_path, offset, said).imap("alice")
        assert int(imap.select("INBOX")[1][0] or b"0") > 10
        imap.logout()
    finally:
        process.stop()

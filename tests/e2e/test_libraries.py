"""Libraries of other languages: each does the same day's work, in a small program of its own."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.clients import (
    NAMED,
    NAMED_UTF7,
    PROGRAMS,
    UNQUOTED,
    deliver,
    environment,
    library,
    witness,
)
from tests.e2e.server import PATIENCE_SECONDS, LiveServer, Login, peer
from tests.harness import message

TEXT = message(
    subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?= aus Wien",
    body=".\r\n.. Servus!\r\n" * 400,
    extra="MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n",
)
SAID = {
    "capable": "true",
    "listed": "true",
    "exists": "3",
    "found": "[1, 2, 3]",
    "same": "true",
    "date": "13-Sep-2020",
    "from": "ann",
    "media": "TEXT",
    "left": "[1]",
    "status": "2 1",
    "pushed": "2",
}
"""What a program finds, if its library can look for it."""

JAVAMAIL = "/usr/share/java/javax.mail.jar:/usr/share/java/javax.activation.jar"


@dataclass(frozen=True)
class Library:
    """How to know that it is there, and how to run its program."""

    attempt: tuple[str, ...]
    command: tuple[str, ...]
    tls: str = "implicit"
    folder: str = NAMED_UTF7
    cannot: frozenset[str] = frozenset()
    """The findings that are beyond it."""


LIBRARIES = {
    "ruby net/imap": Library(
        ("ruby", "-e", "require 'net/imap'"), ("ruby", "net_imap.rb"), "starttls", NAMED
    ),
    "perl Mail::IMAPClient": Library(
        ("perl", "-MMail::IMAPClient", "-MIO::Socket::SSL", "-e1"), ("perl", "mail_imapclient.pl")
    ),
    "perl Net::IMAP::Client": Library(
        ("perl", "-MNet::IMAP::Client", "-e1"),
        ("perl", "net_imap_client.pl"),
        cannot=frozenset({"pushed"}),
    ),
    "perl Net::IMAP::Simple": Library(
        ("perl", "-MNet::IMAP::Simple", "-e1"),
        ("perl", "net_imap_simple.pl"),
        folder=NAMED_UTF7.replace('"', ""),  # it takes names for regular expressions
        cannot=frozenset({"capable", "date", "from", "media", "pushed"}),
    ),
    "php imap": Library(
        ("php", "-r", "exit((int) !function_exists('imap_open'));"),
        ("php", "c_client.php"),
        folder=NAMED,
        cannot=frozenset({"capable", "pushed"}),
    ),
    "php Horde_Imap_Client": Library(
        ("php", "-r", "require 'Horde/Imap/Client.php';"), ("php", "horde.php"), folder=NAMED
    ),
    "java JavaMail": Library(
        ("test", "-e", JAVAMAIL.partition(":")[0]),
        ("java", "-cp", JAVAMAIL, "JavaMail.java"),
        folder=NAMED,
        cannot=frozenset({"date"}),
    ),
}


def play(command: list[str], folder: Path, server: LiveServer, login: Login) -> dict[str, str]:
    """What the program said; while it idles, mail comes."""
    said = {}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=(folder / "errors").open("wb"),
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            name, _, value = line.rstrip("\n").partition(" ")
            said[name] = value
            if name == "idling":
                deliver(server, login, message())
        status = process.wait(PATIENCE_SECONDS)
    print((folder / "errors").read_text())
    assert status == 0
    return said


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_does_a_day_s_work(
    name: str, server: LiveServer, login: Login, tmp_path: Path, trust: ssl.SSLContext
) -> None:
    chosen = LIBRARIES[name]
    library(name, *chosen.attempt)
    (tmp_path / "text").write_bytes(TEXT)
    program, script = chosen.command[:-1], PROGRAMS / chosen.command[-1]
    said = play(
        [
            peer(program[0]),
            *program[1:],
            str(script),
            *("localhost", str(server.port("imap", chosen.tls)), login.user, login.password),
            *(str(server.ca), chosen.folder, str(tmp_path / "text")),
        ],
        tmp_path,
        server,
        login,
    )
    said.pop("idling", None)
    assert said == {key: value for key, value in SAID.items() if key not in chosen.cannot}
    with witness(server, login, trust) as mail:
        kept = mail.messages()[0]
        assert kept.data == TEXT
        assert kept.flags == {r"\Flagged", r"\Seen", "$Forwarded"}
        (folder,) = mail.folders() - {"INBOX"}
        assert folder in {NAMED, UNQUOTED}
        assert mail.texts(folder) == [TEXT, TEXT]
        assert mail.messages(folder)[0].flags == kept.flags

"""Another Twisted application, ``twist ftp``, and the people of a directory."""

from __future__ import annotations

import ftplib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailhub.config.options import DirectoryConfig
from tests.directory.people import PEOPLE, SERVICE, password
from tests.e2e.server import ROOT, TWIST, Output


class Ftp:
    """``twist ftp --auth ...`` on a free port."""

    def __init__(self, folder: Path, *auth: str) -> None:
        options = (word for each in auth for word in ("--auth", each))
        self.process = subprocess.Popen(
            [TWIST, "ftp", "-p", "0", "-r", str(folder), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        self.log = Output(self.process.stdout)
        said = self.log.until("FTPFactory starting on")
        found = re.search(r"FTPFactory starting on (\d+)", said)
        assert found is not None
        self.port = int(found[1])

    def enter(self, user: str, password: str) -> str:
        with ftplib.FTP() as client:
            client.connect("127.0.0.1", self.port, timeout=20)
            try:
                return client.login(user, password)
            except ftplib.error_perm as refused:
                return str(refused)


@pytest.fixture
def ftp(tmp_path: Path, corp: DirectoryConfig) -> Iterator[Ftp]:
    file = tmp_path / "directories.toml"
    file.write_text(
        f"""
[[directory]]
name = "corp"
preset = "openldap"
servers = ["{corp.servers[0]}"]
tls_ca = "{corp.tls_ca}"
bind_dn = "{SERVICE}"
bind_password_file = "{corp.bind_password_file}"
user_base = "{PEOPLE}"
"""
    )
    made = Ftp(tmp_path, f"ldap:{file}:corp")
    yield made
    made.process.terminate()
    made.process.wait(20)


def test_help_is_printed() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for word, told in (("ldap", "--auth ldap:/etc"), ("mailhub-local", "data directory")):
        done = subprocess.run(
            [TWIST, "ftp", "--help-auth-type", word],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert told in done.stdout
        assert "WARNING" not in done.stdout


def test_people_of_a_directory_are_let_in(ftp: Ftp) -> None:
    for name in ("alice@example.org", "a.liddell@example.org", "argon"):
        told = ftp.enter(name, password("argon" if name == "argon" else "alice"))
        assert told.startswith("230"), ftp.log.lines
    for name, given in (
        ("argon", "wrong"),
        ("argon", "wrong"),
        ("argon", " "),
        ("nobody", "wrong"),
        ("ar*", password("argon")),
        ("twin", password("twin")),
    ):
        assert ftp.enter(name, given).startswith("530"), name
    assert ftp.enter("argon", password("argon")).startswith("230")

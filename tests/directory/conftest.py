"""A directory to ask: one slapd for each process that runs tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailhub.config.options import DirectoryConfig, DirectoryGroups
from mailhub.net.selfsigned import ensure_certificate
from tests.directory.asking import Asking
from tests.directory.people import GROUPS, PEOPLE, SECRET, SERVICE
from tests.directory.slapd import Slapd


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a private CA and the certificate of this machine."""
    folder = tmp_path_factory.mktemp("tls")
    ensure_certificate(folder)
    return folder


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory, tls: Path) -> Iterator[Slapd]:
    server = Slapd(tmp_path_factory.mktemp("slapd"), tls)
    server.fill()
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The service account's password file."""
    path = tmp_path_factory.mktemp("secret") / "password"
    path.touch(mode=0o600)
    path.write_text(SECRET + "\n")
    return path


@pytest.fixture
def corp(slapd: Slapd, secret: Path) -> DirectoryConfig:
    """The organisation's directory, as an administrator would write it."""
    return DirectoryConfig(
        "corp",
        servers=(slapd.secure,),
        preset="openldap",
        tls_ca=slapd.ca,
        bind_dn=SERVICE,
        bind_password_file=secret,
        user_base=PEOPLE,
        groups=DirectoryGroups(base=GROUPS),
    )


@pytest.fixture
def asking() -> Iterator[Asking]:
    """Asks directories; what it opens is closed at the end."""
    asker = Asking()
    yield asker
    asker.close()

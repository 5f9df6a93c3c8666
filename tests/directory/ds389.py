"""389 Directory Server, started by the tests as whoever runs them, on free ports of loopback.

An instance is what its own template says, with one database; the service account and its rights
are what ``etc/ldap`` advises.
"""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha1
from pathlib import Path
from typing import Any

import ldap3
import pytest

from tests.directory.slapd import free_port, listens
from tests.e2e.server import PATIENCE_SECONDS, peer

BASE = "dc=example,dc=org"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
SERVICE = f"uid=mailhub,ou=services,{BASE}"
SECRET = "replace-me"
"""In etc/ldap."""
ADVICE = Path(__file__).parents[2] / "etc/ldap/389ds.ldif"
_MANAGER, _MANAGERS = "cn=Directory Manager", "the manager's"
_DATA = Path("/usr/share/dirsrv")
_OWN_SCHEMA = Path("/etc/dirsrv/schema/99user.ldif")
_PLUGINS = "cn=plugins,cn=config"
_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "cn=config": {
        "nsslapd-pwpolicy-local": "on",
        "passwordLockout": "on",
        "passwordMaxFailure": "3",
        "passwordResetFailureCount": "600",
        "passwordLockoutDuration": "3600",
    },
    f"cn=MemberOf Plugin,{_PLUGINS}": {"nsslapd-pluginEnabled": "on"},
    f"cn=7-bit check,{_PLUGINS}": {"nsslapd-pluginEnabled": "off"},
}


class DirectoryServer:
    """One server with nobody in it yet."""

    def __init__(self, folder: Path, tls: Path) -> None:
        self._program = peer("ns-slapd")
        if not os.access(_OWN_SCHEMA, os.R_OK):
            pytest.skip(f"{_OWN_SCHEMA} is shown to root and 389 DS itself only")
        self._folder = folder
        self.ca = tls / "ca.pem"
        self.port, self.tls_port = free_port(), free_port()
        for name in ("db", "certs", "ldif", "bak", "run", "lock", "log", "tmp", "schema"):
            (folder / name).mkdir()
        (folder / "schema/99user.ldif").write_bytes(_OWN_SCHEMA.read_bytes())
        self._make_certificates(tls)
        (folder / "dse.ldif").write_text(self._settings())
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def plain(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def secure(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    def start(self) -> None:
        command = [self._program, "-D", str(self._folder), "-d", "0"]
        command += ["-i", str(self._folder / "run/pid")]
        out = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdout=out, stderr=out)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (listens(self.port) and listens(self.tls_port)):
            assert self._process.poll() is None, "ns-slapd ended"
            assert time.monotonic() < deadline, "ns-slapd does not listen"

    def fill(self, entries: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Everybody, and mailhub's own entry with what it may read."""
        with self.manager() as manager:
            backend = {"nsslapd-suffix": BASE, "cn": "people"}
            database = f"cn=people,cn=ldbm database,{_PLUGINS}"
            manager.add(database, ["top", "extensibleObject", "nsBackendInstance"], backend)
            tree = {"cn": BASE, "nsslapd-state": "backend", "nsslapd-backend": "people"}
            classes = ["top", "extensibleObject", "nsMappingTree"]
            escaped = BASE.replace("=", r"\=").replace(",", r"\,")
            manager.add(f"cn={escaped},cn=mapping tree,cn=config", classes, tree)
            manager.add(BASE, ["top", "domain"], {"dc": "example"})
            for unit in ("people", "groups", "services"):
                manager.add(f"ou={unit},{BASE}", ["top", "organizationalUnit"])
            for dn, attributes in entries:
                manager.add(dn, attributes=attributes)
        url, password = self.plain, ("-D", _MANAGER, "-w", _MANAGERS)
        run(peer("ldapmodify"), "-x", "-H", url, *password, "-f", ADVICE)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def manager(self) -> ldap3.Connection:
        """Who may do everything."""
        server = ldap3.Server("127.0.0.1", self.port, get_info=ldap3.NONE)
        return ldap3.Connection(
            server, _MANAGER, _MANAGERS, auto_bind=True, raise_exceptions=True, auto_encode=True
        )

    def _settings(self) -> str:
        folder = self._folder
        places = {
            name: str(folder / name.removesuffix("_dir"))
            for name in ("lock_dir", "tmp_dir", "ldif_dir", "bak_dir", "run_dir", "log_dir")
        }
        places |= {
            "schema_dir": str(_DATA / "schema"),
            "cert_dir": str(folder / "certs"),
            "inst_dir": str(folder),
            "db_dir": str(folder / "db"),
            "db_home_dir": str(folder / "db"),
            "db_lib": "bdb",
            "config_dir": "/etc/dirsrv/config",
            "fqdn": "localhost",
            "ds_port": str(self.port),
            "ds_user": pwd.getpwuid(os.getuid()).pw_name,
            "ds_passwd": "{SHA}" + b64encode(sha1(_MANAGERS.encode()).digest()).decode(),
            "ds_suffix": BASE,
            "rootdn": _MANAGER,
            "ldapi_enabled": "off",
            "ldapi": str(folder / "run/ldapi"),
            "ldapi_autobind": "off",
        }
        template = (_DATA / "data/template-dse.ldif").read_text()
        text = re.sub(r"%([a-z_]+)%", lambda found: places[found[1]], template)
        tls = f"nsslapd-security: on\nnsslapd-secureport: {self.tls_port}\n"
        for dn, settings in _SETTINGS.items():
            for name, value in settings.items():
                text = _set(text, dn, name, value)
        return text.replace("nsslapd-rootdn:", f"{tls}nsslapd-rootdn:", 1)

    def _make_certificates(self, tls: Path) -> None:
        """The server's own format of keys and certificates."""
        place = f"sql:{self._folder / 'certs'}"
        bundle = self._folder / "server.p12"
        pair = ("-in", tls / "server.pem", "-inkey", tls / "server.key", "-name", "Server-Cert")
        run(peer("openssl"), "pkcs12", "-export", *pair, "-out", bundle, "-passout", "pass:")
        run(peer("certutil"), "-N", "-d", place, "--empty-password")
        run(peer("certutil"), "-A", "-d", place, "-n", "CA", "-t", "CT,,", "-i", tls / "ca.pem")
        run(peer("pk12util"), "-i", bundle, "-d", place, "-W", "", "-K", "")


def _set(text: str, dn: str, name: str, value: str) -> str:
    """The settings *text* with another one in the entry *dn*."""
    start = text.index(f"dn: {dn}\n")
    end = text.index("\n\n", start) + 1
    old = f"{name}:".lower()
    lines = [line for line in text[start:end].splitlines() if not line.lower().startswith(old)]
    return "".join((text[:start], "\n".join([*lines, f"{name}: {value}", ""]), text[end:]))


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)

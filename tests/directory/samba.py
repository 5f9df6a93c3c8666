"""Samba as an Active Directory domain controller, its LDAP service only, on an address of its own.

The ports of a domain controller cannot be chosen, so it takes an address of the loopback network;
ports below 1024 and the files it makes want root.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ldap3
import pytest

from mailhub.net.selfsigned import ensure_certificate
from tests.e2e.server import PATIENCE_SECONDS, peer

BASE = "DC=corp,DC=example"
USERS = f"CN=Users,{BASE}"
ADMIN_PASSWORD = "Ch4nge.me.not"
PASSWORD = "Secret.of.th3m"
SERVICE = "mailhub@corp.example"
NESTED = ("outer", "middle", "inner")
"""Groups, each a member of the one before."""

CONF = """
[global]
netbios name = DC1
realm = CORP.EXAMPLE
workgroup = CORP
server role = active directory domain controller
private dir = {folder}/private
lock directory = {folder}
state directory = {folder}/state
cache directory = {folder}/cache
pid directory = {folder}/run
ncalrpc dir = {folder}/ncalrpc
binddns dir = {folder}/bind-dns
log file = {folder}/log
server services = ldap
interfaces = {address}/8
bind interfaces only = yes
tls enabled = yes
tls certfile = {tls}/server.pem
tls keyfile = {tls}/server.key
tls cafile = {tls}/ca.pem
posix:eadb = {folder}/eadb.tdb
"""


@dataclass(frozen=True)
class Domain:
    """A running one."""

    address: str
    ca: Path

    @property
    def secure(self) -> str:
        return f"ldaps://{self.address}"

    @property
    def plain(self) -> str:
        return f"ldap://{self.address}"


@contextmanager
def shared_domain(folder: Path) -> Iterator[Domain]:
    """The one domain of a test run: made by the first process that wants it, ended by the last."""
    if os.geteuid() != 0:
        pytest.skip("a domain controller listens on port 389: needs root")
    folder.mkdir(exist_ok=True)
    record = folder / "running.json"
    with locked(folder):
        if not record.exists():
            record.write_text(json.dumps(_make(folder)))
        running = json.loads(record.read_text())
        record.write_text(json.dumps({**running, "users": running["users"] + 1}))
    yield Domain(running["address"], folder / "tls" / "ca.pem")
    with locked(folder):
        running = json.loads(record.read_text())
        running["users"] -= 1
        record.write_text(json.dumps(running))
        if not running["users"]:
            record.unlink()
            os.killpg(running["pid"], signal.SIGKILL)  # the session that we have started


def _make(folder: Path) -> dict[str, object]:
    ensure_certificate(folder / "tls")
    server = Samba(folder / "domain", folder / "tls")
    server.provision()
    server.start()
    server.fill()
    return {"address": server.address, "pid": server.pid, "users": 0}


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Samba:
    """The domain corp.example."""

    def __init__(self, folder: Path, tls: Path) -> None:
        folder.mkdir()
        self._tool, self._program = peer("samba-tool"), peer("samba")
        self._folder = folder
        self.address = f"127.{64 + os.getpid() % 180}.{os.getpid() // 180 % 250}.1"
        self._conf = folder / "smb.conf"
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None

    def provision(self) -> None:
        command = [
            self._tool, "domain", "provision", "--realm=CORP.EXAMPLE", "--domain=CORP",
            "--server-role=dc", "--dns-backend=NONE", f"--adminpass={ADMIN_PASSWORD}",
            f"--targetdir={self._folder}", "--host-name=dc1", "--host-ip=127.0.0.1",
            "--option=vfs objects=dfs_samba4 acl_xattr xattr_tdb",
            f"--option=posix:eadb={self._folder}/eadb.tdb",
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        (self._folder / "run").mkdir()
        conf = CONF.format(folder=self._folder, tls=self._tls, address=self.address)
        self._conf.write_text(conf)

    def start(self) -> None:
        # Whoever starts it may end before others have done with it: it ends by itself.
        command = ["timeout", "600", self._program, "-F", "-M", "single", "-s", str(self._conf)]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._listens():
            assert self._process.poll() is None, "samba ended"
            assert time.monotonic() < deadline, "samba does not listen"

    def _listens(self) -> bool:
        try:
            socket.create_connection((self.address, 636), timeout=1).close()
        except OSError:
            return False
        return True

    def fill(self) -> None:
        """People and groups."""
        with self.administrator() as admin:
            _add_people(admin)
            _add_groups(admin)
            must(admin.modify(BASE, {"lockoutThreshold": [(ldap3.MODIFY_REPLACE, [3])]}), admin)

    def administrator(self) -> ldap3.Connection:
        server = ldap3.Server(self.address, use_ssl=True, tls=ldap3.Tls(ssl.CERT_NONE))
        name = f"CN=Administrator,{USERS}"
        return ldap3.Connection(server, name, ADMIN_PASSWORD, auto_bind=True)

    @property
    def pid(self) -> int:
        """Of the process group."""
        assert self._process is not None
        return self._process.pid


def _add_people(admin: ldap3.Connection) -> None:
    for name in ("mailhub", "alice", "disabled", "expired", "must", "guessed", "careless"):
        _add_person(admin, name)
    _change(
        admin,
        "alice",
        mail="alice@example.org",
        proxyAddresses=["SMTP:A.Liddell@example.org", "smtp:alice@example.org", "X500:/o=x"],
    )
    _change(admin, "disabled", userAccountControl=0x202)
    _change(admin, "expired", accountExpires=130_000_000_000_000_000)
    _change(admin, "must", pwdLastSet=0)


def _add_person(admin: ldap3.Connection, name: str) -> None:
    attributes = {
        "objectClass": ["user"],
        "sAMAccountName": name,
        "userPrincipalName": f"{name}@corp.example",
        "mail": f"{name}@example.org",
        "displayName": f"Person {name}",
        "unicodePwd": f'"{PASSWORD}"'.encode("utf-16-le"),
        "userAccountControl": 0x200,
    }
    must(admin.add(dn(name), attributes=attributes), admin)


def _add_groups(admin: ldap3.Connection) -> None:
    inner = dn("alice")
    for name in reversed(NESTED):
        attributes = {"objectClass": ["group"], "sAMAccountName": name, "member": [inner]}
        must(admin.add(dn(name), attributes=attributes), admin)
        inner = dn(name)


def _change(admin: ldap3.Connection, name: str, **values: object) -> None:
    changes: Mapping[str, Any] = {
        key: [(ldap3.MODIFY_REPLACE, value if isinstance(value, list) else [value])]
        for key, value in values.items()
    }
    must(admin.modify(dn(name), changes), admin)


def must(done: bool, admin: ldap3.Connection) -> None:
    assert done, admin.result


def dn(name: str) -> str:
    return f"CN={name},{USERS}"

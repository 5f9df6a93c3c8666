"""OpenLDAP's slapd, started by the tests as whoever runs them, on free ports of loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.directory.people import BASE, BLIND, SERVICE, SMALL, ldif
from tests.e2e.server import PATIENCE_SECONDS, peer

CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
moduleload argon2
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
TLSCACertificateFile {tls}/ca.pem
TLSCertificateFile {tls}/server.pem
TLSCertificateKeyFile {tls}/server.key
TLSVerifyClient never
threads 8
database mdb
suffix "{base}"
rootdn "cn=root,{base}"
rootpw root
directory {folder}/db
maxsize 33554432
dbnosync
index objectClass,uid,mail,member,memberOf,cn eq
limits dn.exact="{service}" size=500 size.prtotal=unlimited
limits dn.exact="{small}" size=3 size.prtotal=3
access to attrs=userPassword by anonymous auth by * none
access to *
  by dn.exact="{blind}" none
  by dn.exact="{service}" read
  by dn.exact="{small}" read
  by anonymous auth
  by self read
  by * none
overlay memberof
memberof-group-oc groupOfNames
overlay ppolicy
ppolicy_default "cn=default,ou=policies,{base}"
ppolicy_use_lockout
"""


class Slapd:
    """One server with the people of :mod:`tests.directory.people`; can be killed and come back."""

    def __init__(self, folder: Path, tls: Path) -> None:
        self._program = peer("slapd")
        self._folder = folder
        self.ca = tls / "ca.pem"
        self.port, self.tls_port = free_port(), free_port()
        (folder / "db").mkdir(parents=True)
        self._conf = folder / "slapd.conf"
        self._conf.write_text(
            CONF.format(
                folder=folder, tls=tls, base=BASE, service=SERVICE, small=SMALL, blind=BLIND
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def plain(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def secure(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    def fill(self) -> None:
        command = [self._program, "-T", "add", "-q", "-f", str(self._conf)]
        subprocess.run(command, input=ldif().encode(), check=True, capture_output=True)

    def copy(self, folder: Path, tls: Path) -> Slapd:
        """Another server with the same people; this one must not be running."""
        other = Slapd(folder, tls)
        shutil.copytree(self._folder / "db", folder / "db", dirs_exist_ok=True)
        return other

    def start(self) -> None:
        command = [
            self._program,
            "-f",
            str(self._conf),
            "-d",
            "0",
            "-h",
            f"{self.plain} {self.secure}",
        ]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (listens(self.port) and listens(self.tls_port)):
            assert self._process.poll() is None, "slapd ended"
            assert time.monotonic() < deadline, "slapd does not listen"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

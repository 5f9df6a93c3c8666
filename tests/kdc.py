"""A Kerberos realm of the tests' own: krb5-kdc run by whoever runs them, on a free port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.e2e.server import PATIENCE_SECONDS, peer

REALM = "EXAMPLE.ORG"
PROFILE = """
[libdefaults]
default_realm = {realm}
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1

[realms]
{realm} = {{
    kdc = 127.0.0.1:{port}
}}

[domain_realm]
localhost = {realm}
mail.example.org = {realm}

[kdcdefaults]
kdc_listen = ""
kdc_tcp_listen = 127.0.0.1:{port}

[logging]
kdc = FILE:{folder}/kdc.log

[dbmodules]
{realm} = {{
    db_library = db2
    database_name = {folder}/principal
}}
"""
KDC = """
[kdcdefaults]
kdc_listen = ""
kdc_tcp_listen = 127.0.0.1:{port}

[realms]
{realm} = {{
    database_name = {folder}/principal
    key_stash_file = {folder}/stash
    acl_file = {folder}/acl
    supported_enctypes = aes256-cts-hmac-sha1-96:normal
}}
"""


class Kdc:
    """Principals are added before ``start``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        values = {"realm": REALM, "port": port, "folder": folder}
        (folder / "krb5.conf").write_text(PROFILE.format(**values))
        (folder / "kdc.conf").write_text(KDC.format(**values))
        self.port = port
        self.environment = {
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._run(peer("kdb5_util"), "create", "-s", "-P", "master", "-r", REALM)

    def add(self, principal: str, password: str = "") -> None:
        how = ("-pw", password) if password else ("-randkey",)
        self._admin("addprinc", *how, principal)

    def keytab(self, name: str, *principals: str) -> Path:
        path = self._folder / name
        self._admin("ktadd", "-k", str(path), *principals)
        path.chmod(0o600)
        return path

    def start(self) -> None:
        self._process = subprocess.Popen(
            [peer("krb5kdc"), "-n", "-P", str(self._folder / "pid")],
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > end:
                    raise
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)
                raise RuntimeError("krb5kdc has ended")

    def ticket(self, principal: str, password: str) -> str:
        """A cache with the ticket of *principal*, as KRB5CCNAME has it."""
        cache = self._folder / f"cache-{principal.replace('/', '-')}"
        self._run(shutil.which("kinit") or peer("kinit"), "-c", cache, principal, input=password)
        return f"FILE:{cache}"

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_SECONDS)

    def _admin(self, *query: str) -> None:
        self._run(peer("kadmin.local"), "-r", REALM, *query)

    def _run(self, *command: str | Path, input: str = "") -> None:
        subprocess.run(
            command,
            env={**os.environ, **self.environment},
            input=input + "\n",
            text=True,
            capture_output=True,
            check=True,
            timeout=PATIENCE_SECONDS,
        )

"""Servers of one's own to measure: loopback, temporary directories, the same certificate.

mailhub runs as anybody; Dovecot (2.3 or 2.4, whichever is on PATH) needs root.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.filling import add_accounts

PASSWORD = "secret"
BIN = Path(sys.executable).parent
PROTOCOLS = ("imap", "imaps", "pop3", "pop3s", "lmtp")

MAILHUB = """
data_dir = "{root}/data"
hostname = "bench.example.org"
{listeners}
[[tls.certificate]]
certificate = "{root}/certificate.pem"
key = "{root}/key.pem"
[auth]
plaintext = "always"
[limits]
max_connections_per_account = 10000
[log]
file = "{root}/log"
{extra}
"""

DOVECOT_23 = """
ssl = yes
ssl_cert = <{root}/certificate.pem
ssl_key = <{root}/key.pem
disable_plaintext_auth = no
mail_location = sdbox:{root}/mail/%n
auth_username_format = %n
mail_max_userip_connections = 10000
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={root}/home/%n allow_all_users=yes
}}
"""

DOVECOT_24 = """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
ssl = yes
ssl_server_cert_file = {root}/certificate.pem
ssl_server_key_file = {root}/key.pem
auth_allow_cleartext = yes
mail_driver = sdbox
mail_path = {root}/mail/%{{user|username}}
mail_home = {root}/home/%{{user|username}}
auth_username_format = %{{user|username}}
mail_max_userip_connections = 10000
passdb static {{
  password = {password}
}}
userdb static {{
  fields {{
    uid = 65534
    gid = 65534
    home = {root}/home/%{{user|username}}
  }}
  allow_all_users = yes
}}
"""

DOVECOT_23_NAMES = {"sessions": "service_count", "idle": "idle_kill", "no_end": "0"}
DOVECOT_24_NAMES = {
    "sessions": "restart_request_count",
    "idle": "idle_kill_interval",
    "no_end": "unlimited",
}

# Log-in processes in high-performance mode, mail processes kept and used again: with the defaults
# (one process for each log-in and each session) log-in is 8 to 20 times slower.  Idle sessions
# hibernate, or each would keep a process of 1.2 MiB.
DOVECOT = """
base_dir = {run}
state_dir = {run}
log_path = {root}/log
protocols = imap pop3 lmtp
listen = 127.0.0.1
auth_mechanisms = plain login
mail_fsync = always
mail_uid = 65534
mail_gid = 65534
first_valid_uid = 1
first_valid_gid = 1
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
imap_hibernate_timeout = 1s
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  {sessions} = {no_end}
  process_min_avail = {cores}
  client_limit = 10000
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  {sessions} = {no_end}
  process_min_avail = {cores}
  client_limit = 10000
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service imap {{
  {idle} = 4s
  {sessions} = 100
  process_min_avail = 4
  process_limit = 2500
  unix_listener imap-master {{
    user = nobody
  }}
  extra_groups =
}}
service imap-hibernate {{
  client_limit = 10000
  unix_listener imap-hibernate {{
    mode = 0666
  }}
}}
service pop3 {{
  {sessions} = 100
  process_min_avail = 4
  process_limit = 2500
}}
service lmtp {{
  process_min_avail = 4
  process_limit = 100
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service anvil {{
  client_limit = 15000
}}
service auth {{
  client_limit = 15000
}}
"""

TARGET = """
name = "{name}"
version = "{version}"
imap = {imap}
pop3 = {pop3}
lmtp = {lmtp}
tls = "{tls}"
insecure = true
user = "bench{{n}}@example.org"
password = "{password}"
accounts = {accounts}
pid = {pid}
"""


def free_ports() -> dict[str, int]:
    """A port for each protocol; all are free now."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in PROTOCOLS]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return {name: each.getsockname()[1] for name, each in zip(PROTOCOLS, sockets, strict=True)}


def make_certificate(root: Path) -> None:
    """ECDSA P-256, for both servers."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench.example.org")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("bench.example.org")]), False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    (root / "certificate.pem").write_bytes(certificate.public_bytes(form))
    (root / "key.pem").write_bytes(
        key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@contextlib.contextmanager
def mailhub(accounts: int, *, extra: str = "", parent: Path | None = None) -> Iterator[Server]:
    """mailhub of this source tree, with its defaults."""
    with _folder("mailhub-", parent) as root:
        ports = free_ports()
        make_certificate(root)
        config = root / "mailhub.toml"
        listeners = "".join(
            f'[[listener]]\nprotocol = "{name.removesuffix("s")}"\n'
            f'address = "127.0.0.1:{port}"\n'
            f'tls = "{"implicit" if name.endswith("s") else "none"}"\n'
            for name, port in ports.items()
        )
        config.write_text(MAILHUB.format(root=root, listeners=listeners, extra=extra))
        add_accounts(config, "example.org", [f"bench{n}" for n in range(1, accounts + 1)], PASSWORD)
        command = [str(BIN / "twist"), "mailhub", "--config", str(config)]
        version = _output([str(BIN / "mailhub"), "--version"])
        with _running(command, root, ports) as pid:
            yield Server("mailhub", version, ports, accounts, pid, root)


@contextlib.contextmanager
def dovecot(accounts: int, *, parent: Path | None = None) -> Iterator[Server]:
    """Dovecot in an honest set-up; every name is an account."""
    with _folder("dovecot-", parent) as root:
        ports = free_ports()
        make_certificate(root)
        for name in ("mail", "home", "run"):
            (root / name).mkdir()
            (root / name).chmod(0o777)
        version = _output(["dovecot", "--version"])
        is_new = version.startswith("2.4")
        form = (DOVECOT_24 if is_new else DOVECOT_23) + DOVECOT
        names = DOVECOT_24_NAMES if is_new else DOVECOT_23_NAMES
        run, cores = root / "run", os.cpu_count()
        config = root / "dovecot.conf"
        config.write_text(
            form.format(root=root, run=run, password=PASSWORD, cores=cores, **names, **ports)
        )
        command = ["dovecot", "-F", "-c", str(config)]
        with _running(command, root, ports) as pid:
            yield Server("dovecot", f"Dovecot {version}", ports, accounts, pid, root)


class Server:
    """A server that runs, and how it is described to ``mailhub bench``."""

    def __init__(
        self, name: str, version: str, ports: dict[str, int], accounts: int, pid: int, root: Path
    ) -> None:
        self.name = name
        self.version = version
        self.ports = ports
        self.accounts = accounts
        self.pid = pid
        self.root = root

    def target(self, tls: str) -> Path:
        """A file that describes the server, with *tls* "none" or "implicit"."""
        end = "s" if tls == "implicit" else ""
        path = self.root / f"{self.name}-{tls}.toml"
        path.write_text(
            TARGET.format(
                name=self.name,
                version=self.version,
                imap=self.ports[f"imap{end}"],
                pop3=self.ports[f"pop3{end}"],
                lmtp=self.ports["lmtp"],
                tls=tls,
                password=PASSWORD,
                accounts=self.accounts,
                pid=self.pid,
            )
        )
        return path


@contextlib.contextmanager
def _folder(prefix: str, parent: Path | None) -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    root.chmod(0o755)
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextlib.contextmanager
def _running(command: list[str], root: Path, ports: dict[str, int]) -> Iterator[int]:
    output = root / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        for port in ports.values():
            _await(lambda port=port: _answers(port), process, root)
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def _await(ready: Callable[[], bool], process: subprocess.Popen[bytes], root: Path) -> None:
    deadline = time.monotonic() + 20
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            logs = [(root / name) for name in ("output", "log")]
            raise SystemExit("\n".join(log.read_text() for log in logs if log.exists()))
        time.sleep(0.05)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _output(command: list[str]) -> str:
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return text.split(" (")[0].strip()

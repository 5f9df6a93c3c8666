"""A Dovecot 2.3 or 2.4 of one's own, to measure beside: loopback, a temporary directory, root.

An honest set-up: sdbox with fsync on, plain-text passwords, log-in processes in
high-performance mode and mail processes reused (its defaults are many times slower at log-in).
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CONFIG = """
base_dir = {run}
state_dir = {run}
log_path = {root}/log
protocols = imap pop3 lmtp
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = sdbox:{root}/mail/%n
mail_fsync = always
mail_uid = 65534
mail_gid = 65534
first_valid_uid = 1
first_valid_gid = 1
mmap_disable = no
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
auth_username_format = %n
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={root}/home/%n allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  service_count = 0
  process_min_avail = 2
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  service_count = 0
  process_min_avail = 2
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service imap {{
  service_count = 100
  process_min_avail = 4
  process_limit = 2500
}}
service pop3 {{
  service_count = 100
  process_min_avail = 4
}}
service lmtp {{
  process_min_avail = 4
  process_limit = 100
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service anvil {{
  client_limit = 5000
}}
service auth {{
  client_limit = 5000
}}
mail_max_userip_connections = 5000
"""


@dataclass(frozen=True)
class Peer:
    imap: int
    pop3: int
    lmtp: int
    password: str = "secret"


@contextlib.contextmanager
def running(imap: int = 20143, pop3: int = 20110, lmtp: int = 20024) -> Iterator[Peer]:
    """Start Dovecot, stop it at the end; every user name is an account with password "secret"."""
    with tempfile.TemporaryDirectory(prefix="dovecot-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        for name in ("mail", "home", "run"):
            (root / name).mkdir()
            (root / name).chmod(0o777)
        config = root / "dovecot.conf"
        config.write_text(
            CONFIG.format(root=root, run=root / "run", imap=imap, pop3=pop3, lmtp=lmtp)
        )
        process = subprocess.Popen(["dovecot", "-F", "-c", str(config)])
        try:
            time.sleep(1.5)
            if process.poll() is not None:
                raise RuntimeError((root / "log").read_text())
            yield Peer(imap, pop3, lmtp)
        finally:
            process.terminate()
            process.wait(10)

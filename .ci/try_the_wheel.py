"""Start the installed ``twist mailhub`` as a new user does, and log in over IMAP and POP3.

Run with the interpreter of an environment that holds nothing but the wheel, in an empty folder.
"""

from __future__ import annotations

import imaplib
import poplib
import re
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

TWIST = Path(sys.executable).with_name("twist")
MAILHUB = Path(sys.executable).with_name("mailhub")
PORTS = (1143, 1993, 1110, 1995, 1024, 1080)


def free_offset() -> int:
    """An offset at which nobody uses the ports of the example."""
    for offset in range(0, 60_000, 100):
        sockets = [socket.socket() for _ in PORTS]
        try:
            for port, taken in zip(PORTS, sockets, strict=True):
                taken.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
        return offset
    raise SystemExit("no free ports")


def main() -> None:
    subprocess.run([TWIST, "mailhub", "--help"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([MAILHUB, "--help"], check=True, stdout=subprocess.DEVNULL)
    for checker in ("mailhub-local", "ldap"):
        help_ = [TWIST, "ftp", "--help-auth-type", checker]
        told = subprocess.run(help_, check=True, stdout=subprocess.PIPE, text=True).stdout
        assert f"--auth {checker}:/" in told, told
    offset = free_offset()
    command = [TWIST, "mailhub", "--port-offset", str(offset)]
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = ""
        for line in server.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        print(f"ready after {time.monotonic() - began:.1f} s (first start)")
        try:
            log_in(said, offset)
        finally:
            server.terminate()
            server.wait(timeout=30)
    print(f"server ended with status {server.returncode}")


def log_in(said: str, offset: int) -> None:
    found = re.search(r"user (alice\S+)\s+password (\S+)", said)
    assert found, said
    user, password = found.groups()
    context = ssl.create_default_context(cafile="var/tls/ca.pem")
    with imaplib.IMAP4_SSL("localhost", 1993 + offset, ssl_context=context) as imap:
        imap.login(user, password)
        status, (count,) = imap.select("INBOX", readonly=True)
        assert status == "OK", count
        assert int(count or b"0") > 0
    print(f"IMAP: {user} logged in, {int(count or b'0')} messages in INBOX")
    pop = poplib.POP3_SSL("localhost", 1995 + offset, context=context)
    pop.user(user)
    pop.pass_(password)
    assert pop.stat()[0] == int(count or b"0")
    pop.quit()
    print(f"POP3: {user} logged in")


main()

"""What a person reads when a server has started: how to connect, and a line to paste."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mailhub.net.listen import Listening

READY = "mailhub is ready."
"""The first line that is printed; a program that starts mailhub waits for it."""

_TLS = {"none": "", "starttls": "STARTTLS", "implicit": "TLS"}
_NAMES = {"imap": "IMAP", "pop3": "POP3", "lmtp": "LMTP", "policy": "policy", "metrics": "HTTP"}


@dataclass(frozen=True, slots=True)
class Guide:
    """What the embedded set-up has to tell."""

    accounts: tuple[str, ...]
    passwords: Mapping[str, str]
    """Of accounts made just now; they are kept nowhere."""
    data_dir: Path
    ca: Path


def ready_lines(listening: Iterable[Listening]) -> list[str]:
    """That it serves, and where."""
    return [READY, *listening_lines(listening)]


def listening_lines(listening: Iterable[Listening]) -> list[str]:
    """One line for each socket: protocol, address, TLS."""
    return [
        f"  {_NAMES[each.listener.protocol]:6} {each.address:24} {_tls(each)}".rstrip()
        for each in listening
    ]


def guide_lines(guide: Guide, listening: Iterable[Listening]) -> list[str]:
    """Accounts and passwords, where things are, and the curl line."""
    lines = [""]
    for account in guide.accounts:
        password = guide.passwords.get(account)
        lines.append(f"  user {account}" + (f"   password {password}" if password else ""))
    if guide.passwords:
        lines.append("  The passwords are shown this once and kept nowhere.")
    elif guide.accounts:
        lines.append("  The passwords were shown at the first start.  To set a new one:")
        lines.append(f"      {_passwd(guide)}")
    lines.append(f"  Mail is kept in {guide.data_dir}, the CA to trust is {guide.ca}")
    port = _imaps_port(listening)
    if guide.accounts and port is not None:
        lines += ["", "Read the first message of INBOX:", "", f"  {_curl(guide, port)}"]
    return [*lines, "", "Ctrl-C stops it; started again it has kept everything."]


def _tls(each: Listening) -> str:
    tls = each.listener.tls
    return "STLS" if (each.listener.protocol, tls) == ("pop3", "starttls") else _TLS[tls]


def _passwd(guide: Guide) -> str:
    return shlex.join(["mailhub", "passwd", "--data-dir", str(guide.data_dir), guide.accounts[0]])


def _imaps_port(listening: Iterable[Listening]) -> int | None:
    for each in listening:
        if each.listener.protocol == "imap" and each.listener.tls == "implicit":
            return each.tcp_port
    return None


def _curl(guide: Guide, port: int) -> str:
    user = guide.accounts[0]
    if user in guide.passwords:
        user += ":" + guide.passwords[user]
    url = f"imaps://localhost:{port}/INBOX;MAILINDEX=1"
    return shlex.join(["curl", "--cacert", str(guide.ca), "--user", user, url])

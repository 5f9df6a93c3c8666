"""The server that is measured: where it listens, and the accounts it lends.

A target is a TOML file or the options of the command line; both have the same names.
"""

from __future__ import annotations

import functools
import ssl
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from mailhub.bench.steps import BenchError

TLS_MODES = ("none", "starttls", "implicit")
PORTS = {
    ("imap", False): 143,
    ("imap", True): 993,
    ("pop3", False): 110,
    ("pop3", True): 995,
    ("lmtp", False): 24,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one protocol is served."""

    protocol: str
    host: str
    port: int
    tls: str


@dataclass(frozen=True, slots=True)
class Target:
    """A server, with everything that clients must know of it.

    ``{n}`` in *user* and *recipient* is the account's number, from 1 to *accounts*.
    """

    name: str = "server"
    host: str = "127.0.0.1"
    imap: int = 0
    pop3: int = 0
    lmtp: int = 0
    tls: str = "none"
    ca: str = ""
    insecure: bool = False
    user: str = ""
    recipient: str = ""
    password: str = ""
    accounts: int = 1
    pid: int = 0
    version: str = ""

    def endpoint(self, protocol: str) -> Endpoint:
        """Where *protocol* is served; LMTP always in clear, as MTAs speak it."""
        tls = "none" if protocol == "lmtp" else self.tls
        return Endpoint(protocol, self.host, getattr(self, protocol), tls)

    def has(self, protocol: str) -> bool:
        return bool(getattr(self, protocol))

    def login(self, number: int) -> str:
        """The log-in name of the account of a client's *number* (from 0)."""
        return self.user.replace("{n}", str(number % self.accounts + 1))

    def address(self, number: int) -> str:
        form = self.recipient or self.user
        return form.replace("{n}", str(number % self.accounts + 1))


def checked(target: Target) -> Target:
    """*target* with what can be derived.  Raises BenchError for what cannot be used."""
    if target.tls not in TLS_MODES:
        raise BenchError(f"tls must be one of {', '.join(TLS_MODES)}, not {target.tls!r}")
    if not target.user:
        raise BenchError("no account: user is needed")
    if target.accounts > 1 and "{n}" not in target.user:
        raise BenchError("more than one account: user needs {n} for the number of the account")
    if target.accounts < 1:
        raise BenchError("accounts must be at least 1")
    if not (target.imap or target.pop3 or target.lmtp):
        implicit = target.tls == "implicit"
        return replace(target, imap=PORTS["imap", implicit], pop3=PORTS["pop3", implicit])
    return target


def read_target(path: Path) -> Target:
    """The target that a TOML file describes.  Raises BenchError."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: {error}") from error
    return checked(_built(path, {"name": path.stem, **given}))


def _built(path: Path, given: dict[str, Any]) -> Target:
    defaults = {field.name: field.default for field in fields(Target)}
    for key, value in given.items():
        if key not in defaults:
            raise BenchError(f"{path}: unknown option {key}; known are {', '.join(defaults)}")
        if type(value) is not type(defaults[key]):
            raise BenchError(f"{path}: {key} must be {type(defaults[key]).__name__}")
    return Target(**given)


@functools.lru_cache(maxsize=8)
def tls_context(ca: str, insecure: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca or None)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context

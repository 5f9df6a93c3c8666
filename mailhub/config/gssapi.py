"""What ``[gssapi]`` must keep: the extra installed, a keytab with keys of our services."""

from __future__ import annotations

import importlib
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from mailhub.config.convert import Report
from mailhub.config.keytab import NoKeytab, principals
from mailhub.config.options import Config
from mailhub.config.problems import shown

_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\*")
_SERVICES = {"imap": "imap", "pop3": "pop"}


def check_gssapi(config: Config, report: Report) -> None:
    """Report everything about it that cannot work."""
    gssapi = config.gssapi
    if gssapi.keytab is None:
        for key in ("hostname", "realms"):
            if getattr(gssapi, key):
                report(f"gssapi.{key}", "is not used without gssapi.keytab", "")
        return
    if gssapi.hostname and not _HOST.fullmatch(gssapi.hostname):
        report("gssapi.hostname", f"{shown(gssapi.hostname)} is not a host name", 'or "*"')
    if not gssapi.names:
        report("gssapi.names", "is empty, so no ticket would be anybody's", '["principal"], say')
    for realm in gssapi.realms:
        if not realm or "@" in realm:
            report("gssapi.realms", f"{shown(realm)} is no realm", "EXAMPLE.ORG, say")
    _check_extra(report)
    _check_keytab(gssapi.keytab, config, report)


def _check_extra(report: Report) -> None:
    try:
        importlib.import_module("gssapi")
    except ImportError as missing:
        text = f"needs the Python module gssapi, which cannot be loaded: {missing}"
        report("gssapi.keytab", text, "pip install 'mailhub[gssapi]'")
    except OSError as missing:  # the C library
        report("gssapi.keytab", f"needs the Kerberos library: {missing}", "libgssapi-krb5-2")


def _check_keytab(path: Path, config: Config, report: Report) -> None:
    try:
        mode, octets = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        report("gssapi.keytab", f"{path}: {reason}", "kadmin: ktadd -k FILE imap/HOST")
        return
    if mode & stat.S_IRWXO:
        report("gssapi.keytab", f"{path} is open to everybody", f"chmod o= {path}")
        return
    try:
        there = principals(octets)
    except NoKeytab:
        report("gssapi.keytab", f"{path} is no keytab", "kadmin: ktadd -k FILE imap/HOST")
        return
    if problem := _missing(config, there):
        told = ", ".join(there[:5]) or "nothing"
        report("gssapi.keytab", f"{path} has no key of {problem}, but of {told}", "klist -k FILE")


def _missing(config: Config, there: list[str]) -> str:
    """The service of which there should be a key and is none, if there is one."""
    host = service_host(config)
    for service in sorted({_SERVICES[p] for p in _served(config)}):
        start = f"{service}/" if host == "*" else f"{service}/{host}@"
        if not any(principal.lower().startswith(start) for principal in there):
            return start.rstrip("@/")
    return ""


def service_host(config: Config) -> str:
    return (config.gssapi.hostname or config.hostname or socket.getfqdn()).lower()


def _served(config: Config) -> Iterator[str]:
    for listener in config.listeners:
        if listener.protocol in _SERVICES:
            yield listener.protocol


def describe_gssapi(config: Config) -> Iterator[str]:
    """What it does, in a sentence."""
    gssapi = config.gssapi
    if gssapi.keytab is not None:
        realms = " or ".join(gssapi.realms) or "the keytab's realm"
        host = service_host(config)
        where = "any host" if host == "*" else host
        yield f"Kerberos tickets of {realms} for {where} log people in (keys: {gssapi.keytab})"

"""What a server with a given configuration would do, in sentences for ``mailhub check``."""

from __future__ import annotations

import os
from collections.abc import Iterator

from mailhub.config.addresses import UnixAddress, parse_address
from mailhub.config.cores import workers
from mailhub.config.directories import describe_directory
from mailhub.config.files import expiry_warnings
from mailhub.config.gssapi import describe_gssapi
from mailhub.config.oauth import describe_oauth
from mailhub.config.options import Config, Listener
from mailhub.config.policies import describe_policy
from mailhub.config.rules import warnings

_TLS = {"none": "no TLS", "starttls": "TLS on request", "implicit": "TLS from the first octet"}
_PURPOSE = {
    "imap": "mail is read with IMAP",
    "pop3": "mail is fetched with POP3",
    "lmtp": "mail is taken in with LMTP",
    "policy": "Postfix is told whether there is room for mail",
    "metrics": "metrics, /healthz and /readyz are served over HTTP",
}
_PLAINTEXT = {
    "tls": "over TLS only",
    "loopback": "over TLS, and in clear from this machine",
    "always": "over TLS or in clear",
}


def describe(config: Config) -> list[str]:
    """What the server would do."""
    return [
        f"mail is kept in {config.data_dir}",
        _workers(config),
        *(_listener(listener) for listener in config.listeners),
        *_tls(config),
        *map(describe_directory, config.directories),
        *map(describe_oauth, config.oauth),
        *describe_gssapi(config),
        *map(describe_policy, config.policies),
        f"passwords are accepted {_PLAINTEXT[config.auth.plaintext]}",
        f"messages of up to {config.limits.max_message:,} octets are accepted",
        f"events go to {config.log.file or 'standard error'} as {config.log.format}",
    ]


def advise(config: Config) -> list[str]:
    """What works, but deserves a second look."""
    return [*warnings(config), *expiry_warnings(config), *_privileged(config)]


def _workers(config: Config) -> str:
    number = workers(config)
    processes = f"{number} worker processes serve" if number > 1 else "one process serves"
    return processes + (" (one for each processor)" if config.workers == "auto" else "")


def _listener(listener: Listener) -> str:
    proxy = f", PROXY header from {', '.join(listener.proxy_from)}" if listener.proxy else ""
    tls = "" if listener.protocol == "metrics" else f" ({_TLS[listener.tls]}{proxy})"
    return f"{listener.address}: {_PURPOSE[listener.protocol]}{tls}"


def _tls(config: Config) -> Iterator[str]:
    if all(listener.tls == "none" for listener in config.listeners):
        return
    if not config.tls.certificates:
        yield f"TLS uses a private CA made in {config.data_dir / 'tls'}, which clients must be told"
    for certificate in config.tls.certificates:
        names = ", ".join(certificate.names) or "the names it holds"
        yield f"TLS certificate {certificate.certificate} for {names}"
    if config.tls.client_ca is not None:
        yield f"clients may log in with certificates of {config.tls.client_ca}"


def _privileged(config: Config) -> Iterator[str]:
    if os.geteuid() == 0:
        return
    for listener in config.listeners:
        address = parse_address(listener.address)
        if not isinstance(address, UnixAddress) and 0 < address.port < 1024:
            yield (
                f"port {address.port} needs the capability CAP_NET_BIND_SERVICE; "
                "etc/mailhub.service shows how systemd gives it"
            )

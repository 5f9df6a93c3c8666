"""What a configuration expects of the disk: certificates, keys, folders that can be written."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from mailhub.config.addresses import BadAddress, UnixAddress, parse_address
from mailhub.config.convert import Report
from mailhub.config.options import Certificate, Config, TlsConfig

_CRL = b"-----BEGIN X509 CRL-----"
EXPIRY_WARNING = timedelta(days=14)


def check_files(config: Config, report: Report) -> None:
    """Report every file and folder of *config* that is not there, not readable or not right."""
    _check_data_dir(config.data_dir, report)
    if config.log.file is not None:
        _check_parent("log.file", config.log.file, report)
    for number, listener in enumerate(config.listeners, 1):
        try:
            address = parse_address(listener.address)
        except BadAddress:
            continue  # told by the rules
        if isinstance(address, UnixAddress):
            _check_parent(f"listener[{number}].address", address.path, report)
    for number, certificate in enumerate(config.tls.certificates, 1):
        _check_certificate(f"tls.certificate[{number}]", certificate, report)
    _check_clients(config.tls, report)


def expiry_warnings(config: Config, now: datetime | None = None) -> list[str]:
    """Certificates that have expired or soon will; a server still starts with them."""
    now = now or datetime.now(UTC)
    told = []
    for certificate in config.tls.certificates:
        ends = read_chain(certificate.certificate)[0].not_valid_after_utc
        if ends < now:
            told.append(f"{certificate.certificate} expired on {ends:%Y-%m-%d}")
        elif ends - now < EXPIRY_WARNING:
            told.append(f"{certificate.certificate} expires on {ends:%Y-%m-%d}")
    if config.tls.client_ca is not None and config.tls.client_crl is not None:
        due = min(
            (
                crl.next_update_utc
                for crl in read_crls(config.tls.client_crl)
                if crl.next_update_utc
            ),
            default=None,
        )
        if due is not None and due < now:
            told.append(
                f"{config.tls.client_crl} was to be renewed on {due:%Y-%m-%d}:"
                " no client certificate is believed until then"
            )
    return told


def read_chain(path: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(path.read_bytes())


def read_crls(path: Path) -> list[x509.CertificateRevocationList]:
    """Raises ValueError."""
    _, *blocks = path.read_bytes().split(_CRL)
    return [x509.load_pem_x509_crl(_CRL + block) for block in blocks]


def _check_data_dir(path: Path, report: Report) -> None:
    if path.exists() and not path.is_dir():
        report("data_dir", f"{path} is not a folder", "")
        return
    nearest = path
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir():
        report("data_dir", f"{nearest} is not a folder", "")
    elif not os.access(nearest, os.W_OK | os.X_OK):
        who = f"user {os.geteuid()}"
        report("data_dir", f"{nearest} cannot be written by {who}", "run it as the owner")


def _check_parent(key: str, path: Path, report: Report) -> None:
    parent = path.parent
    if not parent.is_dir():
        report(key, f"there is no folder {parent}", f"mkdir -p {parent}")
    elif not os.access(parent, os.W_OK | os.X_OK):
        report(key, f"{parent} cannot be written by user {os.geteuid()}", "")


def _check_certificate(name: str, certificate: Certificate, report: Report) -> None:
    chain = _readable(f"{name}.certificate", certificate.certificate, report)
    key = _readable(f"{name}.key", certificate.key, report)
    if chain is None or key is None:
        return
    try:
        first = x509.load_pem_x509_certificates(chain)[0]
    except ValueError:
        report(f"{name}.certificate", f"{certificate.certificate} holds no PEM certificate", "")
        return
    try:
        private = load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as bad:  # TypeError: encrypted with a passphrase
        hint = "remove its passphrase" if isinstance(bad, TypeError) else ""
        report(f"{name}.key", f"{certificate.key} holds no usable private key", hint)
        return
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != first.public_key().public_bytes(*form):
        report(
            f"{name}.key",
            f"{certificate.key} is not the key of {certificate.certificate}",
            "the server's own certificate must be the first in the file",
        )


def _check_clients(tls: TlsConfig, report: Report) -> None:
    if tls.client_ca is None:
        if tls.client_crl is not None:
            report("tls.client_crl", "does nothing without tls.client_ca", "")
        return
    if not tls.client_names:
        report("tls.client_names", "without any name nobody can log in by a certificate", "")
    authorities = _readable("tls.client_ca", tls.client_ca, report)
    if authorities is not None:
        try:
            x509.load_pem_x509_certificates(authorities)
        except ValueError:
            report("tls.client_ca", f"{tls.client_ca} holds no PEM certificate", "")
    if tls.client_crl is None or _readable("tls.client_crl", tls.client_crl, report) is None:
        return
    try:
        found = read_crls(tls.client_crl)
    except ValueError:
        found = []
    if not found:
        report("tls.client_crl", f"{tls.client_crl} holds no PEM list of revoked certificates", "")


def _readable(key: str, path: Path, report: Report) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError as error:
        report(key, f"{path}: {(error.strerror or str(error)).lower()}", "")
        return None

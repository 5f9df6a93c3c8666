"""The embedded set-up's certificates: a private CA and a certificate of this machine, P-256.

They lie in ``tls/`` of the data directory.  The server's certificate is renewed at a start in
its last month, or when the machine's names have changed, under the same CA: clients that were
told to trust the CA need not be told again.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mailhub import log
from mailhub.config.options import Certificate

CA_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)
"""Longer ones are refused by some clients whoever signed them."""
RENEW_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Issued:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure_certificate(directory: Path, hostname: str = "") -> Certificate:
    """The certificate of this machine in *directory*, made or renewed if need be."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = machine_names(hostname)
    ca = _load(directory, "ca") or _keep(directory, "ca", _make_ca())
    server = _load(directory, "server")
    if server is None or not _still_good(server, ca, names):
        _keep(directory, "server", _make_server(ca, names))
        log.event("tls.created", names=", ".join(names))
    return Certificate(directory / "server.pem", directory / "server.key")


def machine_names(hostname: str = "") -> list[str]:
    """``localhost``, the loopback addresses and the names that this machine goes by."""
    own = [hostname, socket.getfqdn(), socket.gethostname()]
    named = [name.lower() for name in own if name and name.isascii() and len(name) <= 64]
    return list(dict.fromkeys(["localhost", "127.0.0.1", "::1", *named]))


def _make_ca() -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"mailhub private CA {log.short_id(6)}")
    builder = _builder(name, name, key, CA_LIFE).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return _Issued(builder.sign(key, hashes.SHA256()), key)


def _make_server(ca: _Issued, names: list[str]) -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(names[-1]), ca.certificate.subject, key, SERVER_LIFE)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
    builder = (
        builder.add_extension(x509.SubjectAlternativeName(_general(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
    )
    return _Issued(builder.sign(ca.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks differ
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general(names: list[str]) -> list[x509.GeneralName]:
    general: list[x509.GeneralName] = []
    for name in names:
        try:
            general.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            general.append(x509.DNSName(name))
    return general


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _still_good(server: _Issued, ca: _Issued, names: list[str]) -> bool:
    found = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return (
        set(_general(names)) <= set(found.value)
        and server.certificate.issuer == ca.certificate.subject
        and server.certificate.not_valid_after_utc > datetime.now(UTC) + RENEW_BEFORE
    )


def _load(directory: Path, stem: str) -> _Issued | None:
    """None when the files are missing or do not belong together (a start that was cut short)."""
    try:
        certificate = x509.load_pem_x509_certificate((directory / f"{stem}.pem").read_bytes())
        key = load_pem_private_key((directory / f"{stem}.key").read_bytes(), None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return None
    if key.public_key() != certificate.public_key():
        return None
    return _Issued(certificate, key)


def _keep(directory: Path, stem: str, issued: _Issued) -> _Issued:
    key = issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(directory / f"{stem}.key", key, 0o600)
    _write(directory / f"{stem}.pem", issued.certificate.public_bytes(Encoding.PEM), 0o644)
    return issued


def _write(path: Path, data: bytes, mode: int) -> None:
    """Whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)

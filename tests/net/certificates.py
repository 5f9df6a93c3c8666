"""Certificates for clients: CAs, what they issue, and lists of what they have revoked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from OpenSSL import SSL

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
FOR_CLIENTS = (ExtendedKeyUsageOID.CLIENT_AUTH,)
UPN = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


def email(address: str) -> x509.GeneralName:
    return x509.RFC822Name(address)


def upn(name: str) -> x509.GeneralName:
    octets = name.encode()
    return x509.OtherName(UPN, bytes((0x0C, len(octets))) + octets)


@dataclass(frozen=True)
class Issued:
    """A certificate, its key, and the intermediate ones to send along."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> bytes:
        return b"".join(c.public_bytes(Encoding.PEM) for c in (self.certificate, *self.chain))

    def show(self, context: SSL.Context) -> None:
        context.use_certificate(self.certificate)
        context.use_privatekey(self.key)
        for each in self.chain:
            context.add_extra_chain_cert(each)

    def write(self, folder: Path, stem: str) -> tuple[Path, Path]:
        pem, key = folder / f"{stem}.pem", folder / f"{stem}.key"
        pem.write_bytes(self.pem)
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return pem, key


@dataclass(frozen=True)
class Authority:
    issued: Issued

    @classmethod
    def make(cls, name: str = "clients CA", above: Authority | None = None) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        issuer = above.issued if above else Issued(None, key)  # type: ignore[arg-type]
        made = (
            _builder(subject, above.issued.certificate.subject if above else subject, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(issuer.key, hashes.SHA256())
        )
        return cls(Issued(made, key))

    def issue(
        self,
        *names: x509.GeneralName,
        common_name: str = "somebody",
        uses: Sequence[ObjectIdentifier] = FOR_CLIENTS,
        ends: datetime = NOW + 30 * DAY,
        chain: tuple[x509.Certificate, ...] = (),
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(common_name)
        builder = _builder(subject, self.issued.certificate.subject, key, ends)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if uses:
            builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        return Issued(builder.sign(self.issued.key, hashes.SHA256()), key, chain)

    def crl(self, *revoked: Issued, due: datetime = NOW + DAY) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.issued.certificate.subject)
            .last_update(NOW - 2 * DAY)
            .next_update(due)
        )
        for each in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(each.certificate.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(NOW - DAY).build())
        return builder.sign(self.issued.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    ends: datetime = NOW + 30 * DAY,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 60 * DAY)
        .not_valid_after(ends)
    )

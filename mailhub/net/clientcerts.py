"""Client certificates: asked for in the handshake, judged after it.

A certificate that is no good does not end the handshake: its owner may still log in otherwise, and
is told why not with it.  That the client has the key is proved by TLS itself; here it is
whether somebody whom we believe says whose key it is, and has not taken that back.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from OpenSSL import SSL, crypto

from mailhub.config.files import read_crls
from mailhub.config.options import TlsConfig
from mailhub.model.mail import ClientCertificate

_UPN = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_UTF8_STRING = 0x0C
_CLIENT_USES = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)


class BadClientCa(Exception):
    """A file of CAs or CRLs that cannot be used; the text names it and the reason."""


class ClientCertificates:
    """Of ``tls.client_ca``.  Raises BadClientCa."""

    def __init__(self, config: TlsConfig) -> None:
        self._sources = config.client_names
        self._authorities: list[x509.Certificate] = []
        self._store = crypto.X509Store()
        if config.client_ca is not None:
            self._authorities = _authorities(config.client_ca)
            for authority in self._authorities:
                self._store.add_cert(crypto.X509.from_cryptography(authority))
            flags = crypto.X509StoreFlags.PARTIAL_CHAIN  # an issuing CA alone may be trusted
            if config.client_crl is not None:
                for revoked in _revocations(config.client_crl):
                    self._store.add_crl(revoked)
                flags |= crypto.X509StoreFlags.CRL_CHECK
            self._store.set_flags(flags)

    def ask(self, context: SSL.Context) -> None:
        """Let connections of *context* ask their clients for a certificate, if any is wanted."""
        if not self._authorities:
            return
        context.set_session_id(b"mailhub")
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        for authority in self._authorities:
            context.add_client_ca(authority)

    def of(self, connection: SSL.Connection) -> ClientCertificate | None:
        """What the client has shown; *connection* has finished its handshake."""
        shown = connection.get_peer_certificate()
        if shown is None or not self._authorities:
            return None
        try:
            certificate = shown.to_cryptography()
            subject = certificate.subject.rfc4514_string()
            names = tuple(dict.fromkeys(self._names(certificate)))
            problem = self._problem(shown, certificate, connection.get_peer_cert_chain() or [])
        except ValueError as malformed:  # cryptography is stricter than OpenSSL
            return ClientCertificate("?", (), f"it is malformed: {malformed}")
        return ClientCertificate(subject, names, problem)

    def _problem(
        self, shown: crypto.X509, certificate: x509.Certificate, chain: list[crypto.X509]
    ) -> str:
        try:
            crypto.X509StoreContext(self._store, shown, chain).verify_certificate()
        except crypto.X509StoreContextError as error:
            return str(error)
        try:
            uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except x509.ExtensionNotFound:
            return ""
        return "" if any(use in uses for use in _CLIENT_USES) else "it is not for clients"

    def _names(self, certificate: x509.Certificate) -> Iterator[str]:
        for source in self._sources:
            if source == "cn":
                for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
                    yield str(attribute.value)
                continue
            try:
                found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
            except x509.ExtensionNotFound:
                continue
            if source == "email":
                yield from found.value.get_values_for_type(x509.RFC822Name)
            else:
                for other in found.value.get_values_for_type(x509.OtherName):
                    if other.type_id == _UPN:
                        yield from _utf8_string(other.value)


def _revocations(path: Path) -> list[x509.CertificateRevocationList]:
    _read(path)
    try:
        found = read_crls(path)
    except ValueError:
        found = []
    if not found:
        raise BadClientCa(f"{path}: not a CRL in PEM form")
    return found


def _authorities(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except ValueError:
        raise BadClientCa(f"{path}: not a certificate in PEM form") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise BadClientCa(f"{path}: {problem.strerror}") from None


def _utf8_string(der: bytes) -> Iterator[str]:
    """The text of a short UTF8String; nothing of anything else."""
    if len(der) > 2 and der[0] == _UTF8_STRING and der[1] == len(der) - 2 < 0x80:
        try:
            yield der[2:].decode("utf-8")
        except UnicodeDecodeError:
            return

"""TLS contexts: certificates by server name, read again without dropping a connection.

Left out on purpose: session resumption (a P-256 handshake costs well under a millisecond, tickets
would have to be shared between processes, and tls-unique is sound only without), and anything
below TLS 1.2 (RFC 8996).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL
from twisted.internet.interfaces import (
    IOpenSSLServerConnectionCreator,
    IProtocol,
    IReactorTime,
)
from twisted.internet.protocol import Factory
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

from mailhub import log
from mailhub.config.options import Certificate, TlsConfig
from mailhub.model.mail import ClientCertificate
from mailhub.net.clientcerts import BadClientCa, ClientCertificates

_VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}


class BadCertificate(Exception):
    """A certificate or key that cannot be used; the text names the file and the reason."""


@dataclass(frozen=True, slots=True)
class _Contexts:
    default: SSL.Context
    by_name: dict[str, SSL.Context]
    clients: ClientCertificates

    def choose(self, server_name: str) -> SSL.Context | None:
        """The context for what a client asked for: the name itself, then its wildcard."""
        name = server_name.rstrip(".").lower()
        _, _, parent = name.partition(".")
        return self.by_name.get(name) or self.by_name.get(f"*.{parent}")


@implementer(IOpenSSLServerConnectionCreator)
class TlsContexts:
    """Makes the server side of TLS connections from the certificates of *config*.

    Raises BadCertificate.
    """

    def __init__(self, config: TlsConfig) -> None:
        self._config = config
        self._contexts = _load(config)
        self._factory: TLSMemoryBIOFactory | None = None

    def reload(self, config: TlsConfig | None = None) -> None:
        """Read all files again, for connections from now on.

        All or nothing: when one file is bad the old certificates stay, and BadCertificate says
        which file and why.
        """
        config = config or self._config
        self._contexts, self._config = _load(config), config

    @property
    def names(self) -> list[str]:
        """The server names that there are certificates for."""
        return sorted(self._contexts.by_name)

    def layer(self, inside: IProtocol, clock: IReactorTime) -> TLSMemoryBIOProtocol:
        """The server side of TLS around *inside*, to be connected to a socket.

        Not Twisted's buffering flavour: our output is coalesced already.
        """
        if self._factory is None:  # one for all: it costs as much as a connection's record
            self._factory = TLSMemoryBIOFactory(self, False, Factory(), clock)
        return TLSMemoryBIOProtocol(self._factory, inside, False)

    def client_certificate(self, connection: SSL.Connection) -> ClientCertificate | None:
        """What the client has shown, if any is asked for."""
        return self._contexts.clients.of(connection)

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        return SSL.Connection(self._contexts.default, None)


def _load(config: TlsConfig) -> _Contexts:
    if not config.certificates:
        raise BadCertificate("no certificate is configured")
    try:
        clients = ClientCertificates(config)
    except BadClientCa as bad:
        raise BadCertificate(str(bad)) from bad
    by_name: dict[str, SSL.Context] = {}
    contexts = [_context(config, certificate, by_name) for certificate in config.certificates]
    for context in contexts:
        clients.ask(context)
    loaded = _Contexts(contexts[0], by_name, clients)

    def choose(connection: SSL.Connection) -> None:
        asked = connection.get_servername()
        context = loaded.choose(asked.decode("ascii", "replace")) if asked else None
        if context is not None:
            connection.set_context(context)

    loaded.default.set_tlsext_servername_callback(choose)
    return loaded


def _context(
    config: TlsConfig, certificate: Certificate, by_name: dict[str, SSL.Context]
) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_VERSIONS[config.minimum])
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # an idle connection: 25 KiB instead of 45
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(
        SSL.OP_NO_TICKET
        | SSL.OP_NO_COMPRESSION
        | SSL.OP_NO_RENEGOTIATION
        | SSL.OP_CIPHER_SERVER_PREFERENCE
    )
    try:
        context.set_cipher_list(config.ciphers.encode("ascii"))
    except (SSL.Error, UnicodeEncodeError):
        raise BadCertificate(f"tls.ciphers: OpenSSL knows no {config.ciphers!r}") from None
    chain = _read_chain(certificate.certificate)
    _use(context, chain, certificate.key)
    for name in certificate.names or names_in(chain[0]):
        by_name.setdefault(name.rstrip(".").lower(), context)
    return context


def _read_chain(path: Path) -> list[x509.Certificate]:
    try:
        chain = x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as problem:
        raise BadCertificate(f"{path}: {problem.strerror}") from None
    except ValueError:
        raise BadCertificate(f"{path}: not a certificate in PEM form") from None
    ended = chain[0].not_valid_after_utc
    if ended < datetime.now(UTC):
        log.event("tls.expired", level="warn", path=str(path), date=f"{ended:%Y-%m-%d}")
    return chain


def _use(context: SSL.Context, chain: list[x509.Certificate], key_path: Path) -> None:
    try:
        key = load_pem_private_key(key_path.read_bytes(), None)
    except OSError as problem:
        raise BadCertificate(f"{key_path}: {problem.strerror}") from None
    except (ValueError, TypeError):  # TypeError: it is encrypted
        raise BadCertificate(f"{key_path}: not an unencrypted key in PEM form") from None
    if not isinstance(key, (EllipticCurvePrivateKey, Ed25519PrivateKey, RSAPrivateKey)):
        raise BadCertificate(f"{key_path}: a key of a kind that is not used for TLS")
    context.use_certificate(chain[0])
    for issuer in chain[1:]:
        context.add_extra_chain_cert(issuer)
    try:
        context.use_privatekey(key)
        context.check_privatekey()
    except (SSL.Error, TypeError):
        raise BadCertificate(f"{key_path}: the key does not belong to the certificate") from None


def names_in(certificate: x509.Certificate) -> list[str]:
    """The DNS names that a certificate is for (RFC 9525: the common name does not count)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return found.value.get_values_for_type(x509.DNSName)

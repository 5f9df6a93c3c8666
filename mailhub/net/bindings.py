"""Channel bindings of a TLS connection, for SCRAM -PLUS.

tls-exporter (RFC 9266) for TLS 1.3, tls-unique (RFC 5929 3) for TLS 1.2, tls-server-end-point
(RFC 5929 4) for both.  tls-exporter over TLS 1.2 is left out on purpose: it is sound only with
the extended master secret (RFC 9266 4.2), and pyOpenSSL does not tell whether that is in use.
"""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

_WEAK = (hashes.MD5, hashes.SHA1)


def channel_bindings(connection: SSL.Connection) -> list[tuple[str, bytes]]:
    """``(type, data)``, best first; *connection* has finished its handshake, as the server."""
    bindings = []
    if connection.get_protocol_version() >= SSL.TLS1_3_VERSION:
        exported = connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
        bindings.append(("tls-exporter", exported))  # 9266 2
    else:
        # 5929 3.1: the first Finished message, which without resumption is the client's.
        bindings.append(("tls-unique", connection.get_peer_finished() or b""))
    if (end_point := certificate_hash(connection)) is not None:
        bindings.append(("tls-server-end-point", end_point))
    return [(name, data) for name, data in bindings if data]


def certificate_hash(connection: SSL.Connection) -> bytes | None:  # 5929 4.1
    certificate = connection.get_certificate(as_cryptography=True)
    if certificate is None:
        return None
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None:  # Ed25519 and others: undefined
        return None
    digest = hashes.Hash(hashes.SHA256() if isinstance(algorithm, _WEAK) else algorithm)
    digest.update(certificate.public_bytes(Encoding.DER))
    return digest.finalize()

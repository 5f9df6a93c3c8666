"""GSSAPI (RFC 4752): what follows when the Kerberos context stands.

No security layer is offered: TLS is there for that, and a client that wants one is refused.
"""

from __future__ import annotations

from mailhub.sasl.errors import SaslFailed

NO_LAYER = 1
OFFER = bytes((NO_LAYER, 0, 0, 0))
"""Which layers there are, and the size of a protected message, of which there are none."""
MAX_OCTETS = 48 * 1024
"""Of a token: tickets of Active Directory carry all groups."""
MAX_ROUNDS = 10


def chosen(message: bytes) -> bytes:
    """The authorization identity in the client's choice of a layer.  Raises SaslFailed."""
    if len(message) < 4:
        raise SaslFailed("the client's choice of a security layer is cut short")
    if message[0] != NO_LAYER:
        raise SaslFailed("the client wants a security layer, and there is none but TLS")
    if message[1:4] != b"\0\0\0":  # 4752 3.2
        raise SaslFailed("the client wants protected messages without a security layer")
    return message[4:]

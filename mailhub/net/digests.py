"""Digests under a key of this server, which stand for names and passwords in shared memory.

They tell nothing without the key, and who does not know it cannot choose what meets in one place.
BLAKE2 with a key is a MAC by itself; a log-in takes eight, and each costs a third of an HMAC.
"""

from __future__ import annotations

import hashlib


class Digests:
    """*secret*: the server's; *about*: digests of one subject say nothing about another's."""

    def __init__(self, secret: bytes, about: str) -> None:
        key = hashlib.blake2b(about.encode(), key=secret, digest_size=32).digest()
        self._begun = hashlib.blake2b(key=key, digest_size=32)

    def of(self, *parts: str | bytes) -> bytes:
        """32 octets."""
        digest = self._begun.copy()
        for part in parts:
            octets = part.encode("utf-8", "backslashreplace") if isinstance(part, str) else part
            digest.update(len(octets).to_bytes(4, "big") + octets)
        return digest.digest()


def one_spelling(name: str) -> str:
    """For all that a directory takes for one name: neither capitals nor blanks around it count."""
    return " ".join(name.casefold().split())

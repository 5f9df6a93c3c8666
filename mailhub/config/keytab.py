"""Whose keys are in a keytab, for ``mailhub check``: what MIT Kerberos and Heimdal write."""

from __future__ import annotations

import struct
from collections.abc import Iterator

MAGIC = b"\x05\x02"


class NoKeytab(Exception):
    """The octets are none."""


def principals(octets: bytes) -> list[str]:
    """Each once, as ``imap/mail.example.org@EXAMPLE.ORG``.  Raises NoKeytab."""
    if octets[:2] != MAGIC:
        raise NoKeytab
    try:
        return list(dict.fromkeys(_principals(octets)))
    except (struct.error, IndexError) as cut_short:
        raise NoKeytab from cut_short


def _principals(octets: bytes) -> Iterator[str]:
    at = len(MAGIC)
    while at < len(octets):
        (size,) = struct.unpack_from(">i", octets, at)
        at += 4
        if size > 0:  # otherwise a hole
            yield _principal(octets[at : at + size])
        if size == 0:
            return
        at += abs(size)


def _principal(entry: bytes) -> str:
    (count,) = struct.unpack_from(">H", entry, 0)
    at, parts = 2, []
    for _ in range(count + 1):
        (size,) = struct.unpack_from(">H", entry, at)
        at += 2
        if at + size > len(entry):
            raise NoKeytab
        parts.append(entry[at : at + size].decode("utf-8", "replace"))
        at += size
    realm, *components = parts
    return f"{'/'.join(components)}@{realm}"

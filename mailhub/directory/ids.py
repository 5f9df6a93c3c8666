"""Immutable ids and other binary values, in one spelling."""

from __future__ import annotations

import uuid

from mailhub.config.templates import escape_filter, escape_filter_octets
from mailhub.model.directory import PersonId

BINARY_IDS = frozenset({"objectguid"})


def spelt(attribute: str, value: bytes) -> PersonId | None:
    """The id in *value*, lower case; None when it is none."""
    if attribute.lower() in BINARY_IDS and len(value) == 16:
        return PersonId(str(uuid.UUID(bytes_le=value)))  # the first three fields are little-endian
    text = value.decode("utf-8", "replace").strip().lower()
    return PersonId(text) if text and text.isprintable() else None


def in_filter(attribute: str, person: PersonId) -> str | None:
    """The comparison that finds the person; None when no entry can have that id."""
    if attribute.lower() not in BINARY_IDS:
        return f"({attribute}={escape_filter(person)})"
    try:
        octets = uuid.UUID(person).bytes_le
    except ValueError:
        return None
    return f"({attribute}={escape_filter_octets(octets)})"

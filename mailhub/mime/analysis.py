"""What is found out about a message once, when it arrives, so that FETCH never parses.

Filled by :mod:`mailhub.mime.scanner`; the store keeps every field beside the message.
"""

from __future__ import annotations

from typing import NamedTuple


class Analysis(NamedTuple):
    """The fields do not depend on where the message is filed; sizes and offsets are octets."""

    size: int
    header_octets: int
    """Length of the header block with its empty line; the rest is the body."""
    envelope: bytes
    """ENVELOPE in wire form (RFC 9051 7.5.2); parts with 8-bit bytes are literals."""
    bodystructure: bytes
    """BODYSTRUCTURE with extension data, in wire form."""
    parts: bytes
    """The offset table of all MIME parts, see :mod:`mailhub.mime.parts`."""
    preview: str
    """RFC 8970: the first 200 characters that a person would read."""
    sent_seconds: int | None
    """The Date field in seconds since 1970, or None."""
    sent_zone: int
    """Its zone in minutes."""
    message_id: str
    references: tuple[str, ...]
    """Message ids of References and In-Reply-To, oldest first, for threads."""
    base_subject: str
    """RFC 5256 2.1, decoded and casemapped."""
    subject: str
    """For searching: decoded, each field of that name on a line; likewise the addresses."""
    from_: str
    to: str
    cc: str
    sort_from: str
    """RFC 5256: the mailbox part of the first address; likewise the others."""
    sort_to: str
    sort_cc: str
    display_from: str
    """RFC 5957."""
    display_to: str
    has_attachment: bool

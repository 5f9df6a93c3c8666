"""The parts of a message as the scanner finds them; offsets count from the message's first byte.

Limits are here because they decide what a part is taken for: beyond them a part is *opaque*, one
leaf of application/octet-stream with everything in it, so that no client recurses without end
and the bytes can still be fetched.
"""

from __future__ import annotations

import enum

from mailhub.mime.content import TEXT_PLAIN, Content, ContentType

MAX_HEADER_OCTETS = 512 * 1024
"""Of any header block; a longer one ends there, at the end of a line if it has any."""
MAX_DEPTH = 50
"""Multiparts and messages inside one another."""
MAX_PARTS = 5000
"""The part that would exceed it holds the rest of the message."""

# 2045 6.4 forbids these on messages; a message in them cannot be looked into, so it is a file.
_ENCODED = frozenset((b"base64", b"quoted-printable", b"x-uuencode", b"uuencode", b"x-uue"))


class Kind(enum.IntEnum):
    LEAF = 0
    MULTIPART = 1
    MESSAGE = 2
    """A message/rfc822 or message/global; its one child is the message in it."""


class Node:
    """A part, from the start of its header.  Filled while scanning, then read only."""

    __slots__ = (
        "body_octets",
        "body_start",
        "captured",
        "children",
        "content",
        "depth",
        "envelope",
        "kind",
        "lines",
        "media",
        "opaque",
        "parent",
        "start",
        "type",
    )

    content: Content
    type: ContentType
    """What the part is presented as."""
    media: str

    def __init__(self, start: int, parent: Node | None) -> None:
        self.start = start
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent else 0
        self.body_start = start
        self.body_octets = 0
        self.lines = 0
        self.kind = Kind.LEAF
        self.opaque = False
        self.children: list[Node] = []
        self.envelope = b""
        """Of the message whose header this is; empty for a part that is no message."""
        self.captured: bytearray | None = None
        """The first octets of a text that a preview may show."""

    def present(self) -> None:
        """Settle ``type`` and ``media``; again when the kind has changed."""
        self.type = self.content.type
        if self.opaque:
            self.media = "application/octet-stream"
            return
        if self.kind is Kind.LEAF and self.type.media.startswith("multipart/"):
            self.type = TEXT_PLAIN  # no part begins in it: shown as text, as 2045 5.2 advises
        self.media = self.type.media


def classify(node: Node, *, last: bool) -> None:
    """Decide what *node* is by its Content-Type; *last*: there is room for no part after it."""
    media = node.content.type.media
    container = Kind.LEAF
    if media.startswith("multipart/"):
        container = Kind.MULTIPART
    elif media in ("message/rfc822", "message/global"):
        container = Kind.MESSAGE
    encoded = container is Kind.MESSAGE and node.content.encoding.lower() in _ENCODED
    node.opaque = last or encoded or (container is not Kind.LEAF and node.depth >= MAX_DEPTH)
    if not node.opaque and not (container is Kind.MULTIPART and node.content.type.boundary is None):
        node.kind = container
    node.present()

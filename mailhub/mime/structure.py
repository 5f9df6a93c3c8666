"""BODYSTRUCTURE in wire form, and BODY made from it (RFC 9051 7.5.2, RFC 3501 7.4.2).

Media types, encodings and parameters are shown as they came, RFC 2231 encodings included;
what is not there and must be shown gets the default of RFC 2045.
"""

from __future__ import annotations

import re
from functools import lru_cache

from mailhub.mime.content import Content, ContentType
from mailhub.mime.tree import Kind, Node
from mailhub.mime.wirestring import nstring, parameter_list, string


def bodystructure(node: Node) -> bytes:
    """``body``: all parts of *node*, with extension data."""
    found = node.content
    if node.kind is Kind.MULTIPART:
        children = b"".join([bodystructure(child) for child in node.children])
        kind = found.type
        return b"(%b %b %b %b)" % (
            children,
            string(kind.sub),
            parameter_list(kind.parameters),
            _extension(found),
        )
    before, behind = _constant(node.type, found, node.opaque)
    return b"%b %d%b %b" % (before, node.body_octets, _specific(node), behind)


@lru_cache(512)
def _constant(kind: ContentType, found: Content, opaque: bool) -> tuple[bytes, bytes]:
    """What stands before the size of a part, and behind what depends on its body."""
    media = b'"application" "octet-stream"'
    if not opaque:
        media = b"%b %b" % (string(kind.main), string(kind.sub))
    before = b"(%b %b %b %b %b" % (
        media,
        parameter_list(kind.parameters),
        nstring(found.id),
        nstring(found.description),
        string(found.encoding),
    )
    return before, b"%b %b)" % (nstring(found.md5), _extension(found))


def _specific(node: Node) -> bytes:
    """What texts and messages have between the size and the extension data."""
    if node.kind is Kind.MESSAGE:
        (message,) = node.children
        return b" %b %b %d" % (message.envelope, bodystructure(message), node.lines)
    if node.media.startswith("text/"):
        return b" %d" % node.lines
    return b""


def _extension(found: Content) -> bytes:
    """Disposition, language, location: the end of every body."""
    if found.disposition is None and not found.language and found.location is None:
        return b"NIL NIL NIL"
    return b"%b %b %b" % (_disposition(found), _language(found.language), nstring(found.location))


def _disposition(found: Content) -> bytes:
    if found.disposition is None:
        return b"NIL"
    kind, parameters = found.disposition
    return b"(%b %b)" % (string(kind), parameter_list(parameters))


def _language(tags: tuple[bytes, ...]) -> bytes:
    if len(tags) > 1:
        return b"(%b)" % b" ".join([string(tag) for tag in tags])
    return nstring(tags[0] if tags else None)


# --- BODY -----------------------------------------------------------------------------------

_PIECE = re.compile(rb'[()]|"(?:[^"\\]|\\.)*"|\{(\d+)\}\r\n|[^ ()"{]+')
_TEXT_FIELDS, _MESSAGE_FIELDS, _BASIC_FIELDS = 8, 10, 7


def without_extensions(structure: bytes) -> bytes:
    """The non-extensible BODY of a BODYSTRUCTURE that :func:`bodystructure` made."""
    return _Shortened(structure).body(0)[0]


class _Shortened:
    def __init__(self, structure: bytes) -> None:
        self._text = structure

    def body(self, position: int) -> tuple[bytes, int]:
        """The body whose ``(`` is at *position* without extensions, and where it ends."""
        position += 1
        if self._text.startswith(b"(", position):
            return self._multipart(position)
        kept: list[bytes] = []
        fields = _BASIC_FIELDS
        while not self._text.startswith(b")", position):
            start = position + self._text.startswith(b" ", position)
            if len(kept) == 8 and fields == _MESSAGE_FIELDS:
                field, position = self.body(start)
            else:
                position = self._skip(start)
                field = self._text[start:position]
            if len(kept) < fields:
                kept.append(field)
            if len(kept) == 2:
                fields = _fields(kept[0], kept[1])
        return b"(%b)" % b" ".join(kept), position + 1

    def _multipart(self, position: int) -> tuple[bytes, int]:
        children: list[bytes] = []
        while self._text.startswith(b"(", position):
            child, position = self.body(position)
            children.append(child)
        end = self._skip(position + 1)
        shortened = b"(%b%b)" % (b"".join(children), self._text[position:end])
        while not self._text.startswith(b")", end):
            end = self._skip(end + 1)
        return shortened, end + 1

    def _skip(self, position: int) -> int:
        """Where the value at *position* ends."""
        depth = 0
        while True:
            piece = _PIECE.match(self._text, position)
            if piece is None:  # a space between values
                position += 1
                continue
            position = piece.end() + int(piece[1] or 0)
            depth += (piece[0] == b"(") - (piece[0] == b")")
            if depth == 0:
                return position


def _fields(main: bytes, sub: bytes) -> int:
    if main.lower() == b'"text"':
        return _TEXT_FIELDS
    if main.lower() == b'"message"' and sub.lower() in (b'"rfc822"', b'"global"'):
        return _MESSAGE_FIELDS
    return _BASIC_FIELDS

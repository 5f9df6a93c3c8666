"""The offset table of a message's parts: what BODY[1.2.MIME] and its like are slices of.

Stored as a blob beside the message.  Format 1: a version octet, then the parts depth first, each
as unsigned LEB128 integers: header octets; start, from the enclosing part's body start; body
octets; lines; kind; number of children; then three texts, each after its length: media type,
charset, transfer encoding.  The body of a part begins where its header ends.  Everything is
relative to the enclosing part, so header lines put before a message change one number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from mailhub.mime.tree import Kind, Node

VERSION = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One part; offsets count from the first byte of the whole message."""

    mime_offset: int
    """Of its MIME header; for a message, of the message's header."""
    mime_octets: int
    body_octets: int
    lines: int
    kind: Kind
    media: str
    """As BODYSTRUCTURE shows it, in lower case."""
    charset: str
    """As the part names it, in lower case; empty when it does not."""
    encoding: str
    """Its Content-Transfer-Encoding in lower case."""
    children: tuple[Part, ...]
    """Of a message/rfc822 one: the message in it, whose header begins its body."""

    @property
    def body_offset(self) -> int:
        return self.mime_offset + self.mime_octets

    @property
    def is_leaf(self) -> bool:
        return self.kind is Kind.LEAF

    @property
    def is_multipart(self) -> bool:
        return self.kind is Kind.MULTIPART

    @property
    def is_message(self) -> bool:
        return self.kind is Kind.MESSAGE

    @property
    def header_octets(self) -> int:
        """Of the header of the message in it, with the empty line; 0 when there is none."""
        return self.children[0].mime_octets if self.is_message else 0

    def walk(self) -> Iterator[Part]:
        """This part and all in it, in their order in the message."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))


@dataclass(frozen=True, slots=True)
class PartTable:
    """All parts of a message; ``root`` is the message itself."""

    root: Part

    @classmethod
    def decode(cls, blob: bytes) -> PartTable:
        if not blob or blob[0] != VERSION:
            raise ValueError("not a part table of this version")
        return cls(_part(_Reading(blob, 1), 0))

    def find(self, path: tuple[int, ...]) -> Part | None:
        """The part numbered *path* (RFC 9051 6.4.5.1), or None; () is the message itself.

        Part 1 of a message that is not multipart is the message's body; its MIME header is
        then the message's.
        """
        part, is_root = self.root, True
        for number in path:
            if part.is_message and not is_root:
                part, is_root = part.children[0], True
            if part.is_multipart:
                if not 1 <= number <= len(part.children):
                    return None
                part = part.children[number - 1]
            elif not is_root or number != 1:
                return None
            is_root = False
        return part


# --- the blob -------------------------------------------------------------------------------


def encode(root: Node) -> bytes:
    out = bytearray((VERSION,))
    _write(out, root, 0)
    return bytes(out)


def shifted(blob: bytes, octets: int) -> bytes:
    """The table of the message with *octets* more at the beginning of its header."""
    reading = _Reading(blob, 1)
    header = reading.number()
    out = bytearray((VERSION,))
    _write_number(out, header + octets)
    return bytes(out) + blob[reading.position :]


def _write(out: bytearray, node: Node, origin: int) -> None:
    for number in (
        node.body_start - node.start,
        node.start - origin,
        node.body_octets,
        node.lines,
        node.kind,
        len(node.children),
    ):
        if number < 128:
            out.append(number)
        else:
            _write_number(out, number)
    out += _texts(node.media, node.type.charset, node.content.encoding)
    for child in node.children:
        _write(out, child, node.body_start)


@lru_cache(512)
def _texts(media: str, charset: str, encoding: bytes) -> bytes:
    out = bytearray()
    for text in (media.encode("latin-1"), charset.encode("latin-1"), encoding.lower()):
        _write_number(out, len(text))
        out += text
    return bytes(out)


def _write_number(out: bytearray, number: int) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


class _Reading:
    def __init__(self, blob: bytes, position: int) -> None:
        self.blob = blob
        self.position = position

    def number(self) -> int:
        result = shift = 0
        while True:
            octet = self.blob[self.position]
            self.position += 1
            result |= (octet & 127) << shift
            if octet < 128:
                return result
            shift += 7

    def text(self) -> str:
        start = self.number() + self.position  # the length is read before the position is
        start, self.position = self.position, start
        return self.blob[start : self.position].decode("latin-1")


def _part(reading: _Reading, origin: int) -> Part:
    number = reading.number
    header, start, body, lines, kind, children = [number() for _ in range(6)]
    media, charset, encoding = reading.text(), reading.text(), reading.text()
    body_start = origin + start + header
    return Part(
        origin + start,
        header,
        body,
        lines,
        Kind(kind),
        media,
        charset,
        encoding,
        tuple([_part(reading, body_start) for _ in range(children)]),
    )

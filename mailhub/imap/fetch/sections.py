"""BODY[...]<o.n>: which bytes of a message a section means (RFC 9051 6.4.5, 6.4.5.1).

A section is found by offsets in the table made at delivery; nothing is parsed here.  A section
that a message does not have is None, which is answered NIL.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from mailhub.mime import commonfields
from mailhub.mime.fields import select_fields, select_from_many
from mailhub.mime.parts import Part, PartTable


class Text(enum.Enum):
    """What stands behind the part numbers."""

    WHOLE = ""
    HEADER = "HEADER"
    FIELDS = "HEADER.FIELDS"
    FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


class Coding(enum.Enum):
    """Which item asks for the section."""

    RAW = "BODY"
    DECODED = "BINARY"
    DECODED_SIZE = "BINARY.SIZE"


@dataclass(frozen=True, slots=True)
class Partial:
    """``<origin.octets>``"""

    origin: int
    octets: int

    def of(self, data: bytes) -> bytes:
        return data[self.origin : self.origin + self.octets]


@dataclass(frozen=True, slots=True)
class Section:
    """*fields* are the names of HEADER.FIELDS in lower case, as select_fields takes them."""

    path: tuple[int, ...] = ()
    text: Text = Text.WHOLE
    fields: frozenset[bytes] = frozenset()
    partial: Partial | None = None
    coding: Coding = Coding.RAW

    @property
    def picks_fields(self) -> bool:
        return self.text in (Text.FIELDS, Text.FIELDS_NOT)

    @property
    def is_common(self) -> bool:
        """Only picks fields that are kept apart from the rest of the header."""
        return self.text is Text.FIELDS and self.fields <= commonfields.NAMES

    def picked(self, header: bytes) -> bytes:
        """What HEADER.FIELDS leaves of a header block, byte for byte."""
        return select_fields(header, self.fields, self.text is Text.FIELDS_NOT)

    def picked_from(self, headers: Sequence[bytes]) -> list[bytes]:
        """The same of many."""
        if self.text is Text.FIELDS:
            return select_from_many(headers, self.fields)
        return [self.picked(header) for header in headers]


@dataclass(frozen=True, slots=True)
class Extent:
    """Octets ``start .. start + octets`` of a message."""

    start: int
    octets: int

    def narrowed(self, partial: Partial | None) -> Extent:
        """The part of it that *partial* asks for; empty when that is past its end."""
        if partial is None:
            return self
        origin = min(partial.origin, self.octets)
        return Extent(self.start + origin, min(partial.octets, self.octets - origin))


def extent_of(section: Section, header_octets: int, size: int, parts: bytes) -> Extent | None:
    """Where the section lies; for HEADER.FIELDS the header that the fields are taken from.

    The partial is not applied.  *parts* is only looked at when the section has a path.
    """
    if not section.path:
        return _of_message(section.text, header_octets, size)
    part = PartTable.decode(parts).find(section.path)
    return None if part is None else _of_part(section.text, part)


def _of_message(text: Text, header_octets: int, size: int) -> Extent:
    if text is Text.WHOLE:
        return Extent(0, size)
    if text is Text.TEXT:
        return Extent(header_octets, size - header_octets)
    return Extent(0, header_octets)


def _of_part(text: Text, part: Part) -> Extent | None:
    if text is Text.MIME:
        return Extent(part.mime_offset, part.mime_octets)
    if text is Text.WHOLE:
        return Extent(part.body_offset, part.body_octets)
    if not part.is_message:  # HEADER and TEXT are for message/rfc822 (9051 6.4.5.1)
        return None
    if text is Text.TEXT:
        return Extent(part.body_offset + part.header_octets, part.body_octets - part.header_octets)
    return Extent(part.body_offset, part.header_octets)

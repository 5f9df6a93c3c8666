"""BODY[...] and BINARY[...] of messages whose whole content came in the row.

The sections that every client asks for have columns of their own and copy nothing; the others
are cut out of the row one by one.  Messages too long for a row are :mod:`.stream`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mailhub.imap.fetch.binary import decoded
from mailhub.imap.fetch.plan import Batch, Item, Values, escape
from mailhub.imap.fetch.sections import Coding, Extent, Section, Text, extent_of
from mailhub.mime import commonfields
from mailhub.model.mail import Field

NIL = b"NIL"
CONTENT = (Field.HEADER, Field.REST, Field.SIZE)
"""SIZE is for messages that turn out too long: their REST does not come."""

Columns = tuple[Iterable[object], ...]


def section_item(name: bytes, section: Section) -> Item:
    """The item that answers ``name`` with a section."""
    conversion, fields, values = _shape(section)
    return Item(name, escape(name) + b" " + conversion, fields, values, section)


def _shape(section: Section) -> tuple[bytes, tuple[Field, ...], Values]:
    simple = not section.path and section.partial is None and section.coding is Coding.RAW
    if simple and section.text is Text.WHOLE:
        return b"{%d}\r\n%b%b", CONTENT, _whole
    if simple and section.text is Text.TEXT:
        return b"{%d}\r\n%b", CONTENT, _rest
    if simple and section.text is Text.HEADER:
        return b"{%d}\r\n%b", (Field.HEADER,), _header
    if simple and section.is_common:
        return b"{%d}\r\n%b", (Field.FIELDS,), _picked_of_common(section)
    if simple:
        return b"{%d}\r\n%b", (Field.HEADER,), _picked(section)
    if not section.path and section.text not in (Text.WHOLE, Text.TEXT):
        return b"%b", (Field.HEADER,), _cut(section, _header_part)
    fields = (*CONTENT, Field.PARTS) if section.path else CONTENT
    if section.coding is Coding.DECODED_SIZE:
        return b"%d", fields, _cut(section, _decoded_size)
    return b"%b", fields, _cut(section, _decoded if section.coding is Coding.DECODED else _raw)


def literal(data: bytes | None) -> bytes:
    return NIL if data is None else b"{%d}\r\n%b" % (len(data), data)


def literal8(data: bytes | None) -> bytes:
    """A literal that says so when it holds NUL (9051 7.5.2: BINARY)."""
    if data is not None and b"\0" in data:
        return b"~" + literal(data)
    return literal(data)


def cut(extent: Extent, header: bytes, rest: bytes) -> bytes:
    start, end, border = extent.start, extent.start + extent.octets, len(header)
    if start >= border:
        return rest[start - border : end - border]
    if end <= border:
        return header[start:end]
    return header[start:] + rest[: end - border]


# --- whole columns ------------------------------------------------------------------------


def _whole(batch: Batch) -> Columns:
    columns = batch.columns
    return columns[Field.SIZE], columns[Field.HEADER], columns[Field.REST]


def _rest(batch: Batch) -> Columns:
    rests = batch.columns[Field.REST]
    return map(len, rests), rests


def _header(batch: Batch) -> Columns:
    headers = batch.columns[Field.HEADER]
    return map(len, headers), headers


def _picked(section: Section) -> Values:
    def values(batch: Batch) -> Columns:
        picked = section.picked_from(batch.columns[Field.HEADER])
        return map(len, picked), picked

    return values


def _picked_of_common(section: Section) -> Values:
    def values(batch: Batch) -> Columns:
        picked = commonfields.pick(batch.columns[Field.FIELDS], section.fields)
        return map(len, picked), picked

    return values


# --- one by one ---------------------------------------------------------------------------

Cut = Callable[[Section, bytes, bytes, bytes], object]


def _cut(section: Section, one: Cut) -> Values:
    def values(batch: Batch) -> Columns:
        columns = batch.columns
        headers = columns[Field.HEADER]
        none = [b""] * len(headers)
        rows = zip(
            headers, columns.get(Field.REST, none), columns.get(Field.PARTS, none), strict=True
        )
        return ([one(section, header, rest, parts) for header, rest, parts in rows],)

    return values


def _section_text(section: Section, header: bytes, rest: bytes, parts: bytes) -> bytes | None:
    """The section without its partial; HEADER.FIELDS are still to be picked."""
    extent = extent_of(section, len(header), len(header) + len(rest), parts)
    return None if extent is None else cut(extent, header, rest)


def _raw(section: Section, header: bytes, rest: bytes, parts: bytes) -> bytes:
    if section.picks_fields:
        text = _section_text(section, header, rest, parts)
        return literal(None if text is None else _partial(section, section.picked(text)))
    extent = extent_of(section, len(header), len(header) + len(rest), parts)
    return literal(None if extent is None else cut(extent.narrowed(section.partial), header, rest))


def _header_part(section: Section, header: bytes, _rest: bytes, _parts: bytes) -> bytes:
    return literal(_partial(section, section.picked(header) if section.picks_fields else header))


def _partial(section: Section, data: bytes) -> bytes:
    return data if section.partial is None else section.partial.of(data)


def _decoded(section: Section, header: bytes, rest: bytes, parts: bytes) -> bytes:
    data = _decoded_text(section, header, rest, parts)
    return literal8(None if data is None else _partial(section, data))


def _decoded_size(section: Section, header: bytes, rest: bytes, parts: bytes) -> int:
    return len(_decoded_text(section, header, rest, parts) or b"")


def _decoded_text(section: Section, header: bytes, rest: bytes, parts: bytes) -> bytes | None:
    text = _section_text(section, header, rest, parts)
    return None if text is None else decoded(text, section, parts)

"""The table of FETCH data items (RFC 9051 6.4.5, RFC 3501 6.4.5): a new item is a row in ITEMS.

Items that name a section (BODY[...], BINARY[...]) are read by :func:`parse_section`.  Further
RFCs: 7162 (MODSEQ), 3516 (BINARY).  RFC822.PEEK and RFC822.TEXT.PEEK are of RFC 1730; Outlook
still asks for the first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mailhub.imap.fetch import values
from mailhub.imap.fetch.content import section_item
from mailhub.imap.fetch.plan import Item
from mailhub.imap.fetch.sections import Coding, Partial, Section, Text
from mailhub.imap.wire.dates import format_date_time
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.tokens import MAX_NUMBER64
from mailhub.imap.wire.writer import Astring, render
from mailhub.mime.structure import without_extensions
from mailhub.model.mail import Field


@dataclass(frozen=True, slots=True)
class Asked:
    """An item as asked for; ``seen``: answering it sets \\Seen."""

    item: Item
    seen: bool = False


def column(name: str, conversion: str, field: Field) -> Item:
    """An item whose stored value goes into the answer as it is."""
    wire = f"{name} {conversion}".encode()
    return Item(name.encode(), wire, (field,), lambda batch: (batch.columns[field],))


def message(name: str, text: Text) -> Item:
    """An item of the RFC822 family: a section of the message under an old name."""
    return section_item(name.encode(), Section(text=text))


UID = Item(b"UID", b"UID %d", (), lambda batch: (batch.uids,))
FLAGS = Item(
    b"FLAGS",
    b"FLAGS (%b)",
    (Field.FLAGS,),
    lambda batch: (
        values.flags(batch.uids, batch.columns[Field.FLAGS], batch.keywords, batch.recent),
    ),
)
MODSEQ = column("MODSEQ", "(%d)", Field.MODSEQ)
INTERNALDATE = Item(
    b"INTERNALDATE",
    b"INTERNALDATE %b",
    (Field.DATE, Field.ZONE),
    lambda batch: (map(format_date_time, batch.columns[Field.DATE], batch.columns[Field.ZONE]),),
)
BODY = Item(
    b"BODY",
    b"BODY %b",
    (Field.BODYSTRUCTURE,),
    lambda batch: (map(without_extensions, batch.columns[Field.BODYSTRUCTURE]),),
)

ITEMS: dict[str, Asked] = {
    "UID": Asked(UID),
    "FLAGS": Asked(FLAGS),
    "MODSEQ": Asked(MODSEQ),
    "INTERNALDATE": Asked(INTERNALDATE),
    "ENVELOPE": Asked(column("ENVELOPE", "%b", Field.ENVELOPE)),
    "BODYSTRUCTURE": Asked(column("BODYSTRUCTURE", "%b", Field.BODYSTRUCTURE)),
    "BODY": Asked(BODY),
    "RFC822": Asked(message("RFC822", Text.WHOLE), seen=True),
    "RFC822.PEEK": Asked(message("RFC822", Text.WHOLE)),
    "RFC822.HEADER": Asked(message("RFC822.HEADER", Text.HEADER)),
    "RFC822.TEXT": Asked(message("RFC822.TEXT", Text.TEXT), seen=True),
    "RFC822.TEXT.PEEK": Asked(message("RFC822.TEXT", Text.TEXT)),
    "RFC822.SIZE": Asked(column("RFC822.SIZE", "%d", Field.SIZE)),
}

MACROS: dict[str, tuple[str, ...]] = {
    "ALL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"),
    "FAST": ("FLAGS", "INTERNALDATE", "RFC822.SIZE"),
    "FULL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"),
}

SECTIONED: dict[str, tuple[Coding, bool]] = {
    "BODY": (Coding.RAW, True),
    "BODY.PEEK": (Coding.RAW, False),
    "BINARY": (Coding.DECODED, True),
    "BINARY.PEEK": (Coding.DECODED, False),
    "BINARY.SIZE": (Coding.DECODED_SIZE, False),
}
"""Name to how the section is given, and whether that sets \\Seen."""

MAX_ITEMS = 100
"""After this many, a FETCH is no client's wish but an attempt to multiply its answer."""


def parse_items(r: Reader) -> tuple[Asked, ...]:
    """A macro, one item, or a list in parentheses."""
    if r.peek() == b"(":
        found = r.items(lambda: parse_item(r))
        if len(found) > MAX_ITEMS:
            raise r.refused("Too many items")
        return tuple(found)
    if not _sectioned(r):
        name = r.one_of((*ITEMS, *MACROS))
        return tuple(ITEMS[n] for n in MACROS.get(name, (name,)))
    return (parse_section(r),)


def parse_item(r: Reader) -> Asked:
    return parse_section(r) if _sectioned(r) else ITEMS[r.one_of(tuple(ITEMS))]


def _sectioned(r: Reader) -> bool:
    return re.match(rb"[A-Za-z.]+\[", r.peek(16)) is not None


# --- sections -----------------------------------------------------------------------------

_PATH = re.compile(r"((?:[1-9][0-9]{0,8}\.)*[1-9][0-9]{0,8})?(?:(?:\A|\.)([A-Z][A-Z.]*))?\Z")
_MAX_PATH = 200


def parse_section(r: Reader) -> Asked:
    """``BODY.PEEK[1.2.HEADER.FIELDS (DATE FROM)]<0.100>`` (9051 9: fetch-att)."""
    word = r.one_of(tuple(SECTIONED))
    coding, seen = SECTIONED[word]
    r.expect(b"[")
    path, text = _parse_specification(r, coding)
    names: list[str] = []
    if text in (Text.FIELDS, Text.FIELDS_NOT):
        r.sp()
        names = r.items(lambda: _parse_field_name(r))
    r.expect(b"]")
    partial = _parse_partial(r) if coding is not Coding.DECODED_SIZE else None
    fields = frozenset(name.lower().encode() for name in names)
    section = Section(path, text, fields, partial, coding)
    return Asked(section_item(_name(section, names), section), seen)


def _parse_specification(r: Reader, coding: Coding) -> tuple[tuple[int, ...], Text]:
    if r.peek() == b"]":
        return (), Text.WHOLE
    match = _PATH.match(r.word())
    if match is None:
        raise r.refused("Not a section")
    path = tuple(int(number) for number in match[1].split(".")) if match[1] else ()
    name = match[2] or ""
    if name not in _SPECIFIERS or len(path) > _MAX_PATH:
        raise r.refused("Not a section")
    text = Text(name)
    if text is Text.MIME and not path:
        raise r.refused("MIME needs a part number")
    if text is not Text.WHOLE and coding is not Coding.RAW:
        raise r.refused("BINARY takes part numbers only")
    return path, text


_SPECIFIERS = frozenset(text.value for text in Text)


def _parse_field_name(r: Reader) -> str:
    name = r.astring()
    if not _FIELD_NAME.match(name):
        raise r.refused("Not the name of a header field")
    return name


_FIELD_NAME = re.compile(r"[!-9;-~]+\Z")  # RFC 5322 2.2


def _parse_partial(r: Reader) -> Partial | None:
    if not r.accept(b"<"):
        return None
    origin = r.number64()
    octets = r.number64() if r.accept(b".") else MAX_NUMBER64  # <n>: the rest, as elsewhere
    if not octets:
        raise r.refused("A part of no octets")
    r.expect(b">")
    return Partial(origin, octets)


def _name(section: Section, fields: Sequence[str]) -> bytes:
    """The item's name in the answer: PEEK is gone, of ``<o.n>`` the origin is left (9051 7.5.2)."""
    inside = ".".join([*map(str, section.path), *filter(None, [section.text.value])]).encode()
    if fields:
        inside += b" " + render([[Astring(name) for name in fields]])
    origin = b"<%d>" % section.partial.origin if section.partial else b""
    return b"%b[%b]%b" % (section.coding.value.encode(), inside, origin)

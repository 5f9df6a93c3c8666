"""Whether a message contains a text: SEARCH's HEADER, BODY and TEXT (RFC 9051 6.4.4).

Text compares as :mod:`.casemap` has it, as a substring; what is sought is given casemapped.
Encoded words, transfer encodings and charsets are undone.  Several blanks in a header, such as
folding leaves, are found as they are and as one.  BODY looks into every text part, also
those of messages inside, and into the reports that are ``message/...`` parts; TEXT also into all
headers, MIME headers included.  HTML is looked at as written and as read.  Line breaks are
characters like others: what a fold or a wrapped line separates is not put together, except in
headers, where folding has no meaning.

Bodies are read, decoded and forgotten in slices, whatever their size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mailhub.mime.casemap import casemap
from mailhub.mime.charset import TextDecoder, decode
from mailhub.mime.content import parameters
from mailhub.mime.headers import fields, unfold
from mailhub.mime.markup import HtmlText
from mailhub.mime.parts import Part, PartTable
from mailhub.mime.transfer import Decoder, UnknownEncoding
from mailhub.mime.words import decode_parameter, decode_words

SLICE_OCTETS = 128 * 1024
Read = Callable[[int, int], bytes]
"""(offset, octets) to bytes of the message; fewer may come than were asked for."""

_fold = re.compile(rb"\r?\n(?=[\t ])").sub
_blanks = re.compile("[\t ]{2,}").sub


def with_single_blanks(text: str) -> str:
    """*text* with each run of blanks as one."""
    return _blanks(" ", text)


def header_contains(header_block: bytes, field: str, needle: str) -> bool:
    """Whether one of the fields called *field* contains *needle*; empty: whether there is one."""
    name = field.lower().encode("utf-8")
    return any(
        key == name and _is_in(needle, casemap(decode_words(unfold(value))))
        for key, value in fields(header_block)
    )


def _is_in(needle: str, header: str) -> bool:
    return needle in header or needle in with_single_blanks(header)


def body_contains(parts: PartTable, read: Read, needle: str) -> bool:
    return not needle or any(
        _part_contains(part, read, needle)
        for part in parts.root.walk()
        if part.is_leaf and part.media.startswith(("text/", "message/"))
    )


def text_contains(parts: PartTable, read: Read, needle: str) -> bool:
    """Header or body."""
    return any(
        _is_in(needle, casemap(_header_text(part, read))) for part in parts.root.walk()
    ) or body_contains(parts, read, needle)


def _header_text(part: Part, read: Read) -> str:
    block = _fold(b"", b"".join(_slices(read, part.mime_offset, part.mime_octets)))
    if b"=?" not in block:
        text = decode(block)
    else:
        text = "\n".join([decode_words(line) for line in block.splitlines()])
    if b"*" in block:
        text = "\n".join([text, *_encoded_parameters(block)])
    return text


def _encoded_parameters(block: bytes) -> Iterator[str]:  # 2231
    for name, value in fields(block):
        if name in (b"content-type", b"content-disposition"):
            found = parameters(value.strip())
            for wanted in (b"name", b"filename"):
                yield decode_parameter(found, wanted) or ""


def _part_contains(part: Part, read: Read, needle: str) -> bool:
    written = _Sought(needle)
    shown = _Sought(needle)
    markup = HtmlText() if part.media == "text/html" else None
    for text in _texts(part, read):
        if written.found_in(text) or (markup and shown.found_in(markup.feed(text))):
            return True
    return markup is not None and shown.found_in(markup.feed("", final=True))


def _texts(part: Part, read: Read) -> Iterator[str]:
    """The text of a leaf, piece by piece."""
    try:
        transfer = Decoder(part.encoding)
    except UnknownEncoding:
        transfer = Decoder("binary")
    charset = TextDecoder(part.charset)
    for octets in _slices(read, part.body_offset, part.body_octets):
        yield charset.feed(transfer.feed(octets))
    yield charset.feed(transfer.finish(), final=True)


def _slices(read: Read, offset: int, octets: int) -> Iterator[bytes]:
    end = offset + octets
    while offset < end:
        data = read(offset, min(SLICE_OCTETS, end - offset))
        if not data:
            return
        yield data
        offset += len(data)


class _Sought:
    """Looks for a needle in text that comes in pieces."""

    def __init__(self, needle: str) -> None:
        self._needle = needle
        self._overlap = len(needle) - 1
        self._tail = ""

    def found_in(self, text: str) -> bool:
        hay = self._tail + casemap(text)
        self._tail = hay[max(0, len(hay) - self._overlap) :]
        return self._needle in hay

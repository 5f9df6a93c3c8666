"""The MIME fields of a part: Content-Type and its companions (RFC 2045, 2183, 3282, 2557, 1864).

Values are kept as they came, in their case and with RFC 2231 encodings untouched: that is what
BODYSTRUCTURE shows.  Content-Type values repeat from mail to mail, so their parsing is cached.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from mailhub.mime.headers import Fields
from mailhub.mime.wirestring import Parameters

CONTENT_FIELDS = frozenset(
    b"content-type content-transfer-encoding content-id content-description"
    b" content-disposition content-language content-location content-md5".split()
)
MAX_PARAMETERS = 500
MAX_BOUNDARY = 500
"""Octets; RFC 2046 5.1.1 allows 70.  A longer one is treated as missing."""

_TYPE = re.compile(rb"([^\s/;()<>@,\\:\"\[\]?=]+)[ \t]*/[ \t]*([^\s/;()<>@,\\:\"\[\]?=]+)[\s;]*")
_TOKEN = re.compile(rb"[^\s;()\"]+")
_PARAMETER = re.compile(
    rb'[;\s]*+([^\s=;"]++)[ \t]*+=[ \t]*+(?:"((?:[^"\\]|\\.)*+)"?|([^;]*))[^;]*', re.DOTALL
)
_pieces = re.compile(rb'[();="]|\\.?|[^();="\\]+', re.DOTALL).finditer
_not_parameter = re.compile(rb"[;\s]*[^;]*")
_quoted_pair = re.compile(rb"\\(.)", re.DOTALL).sub


@dataclass(frozen=True, slots=True)
class ContentType:
    """``main`` and ``sub`` as they came; ``media`` is both in lower case."""

    main: bytes
    sub: bytes
    parameters: Parameters
    media: str
    charset: str
    boundary: bytes | None


@dataclass(frozen=True, slots=True)
class Content:
    """What a part's header says about it."""

    type: ContentType
    encoding: bytes
    """Content-Transfer-Encoding as it came, b"7bit" when there is none."""
    id: bytes | None
    description: bytes | None
    disposition: tuple[bytes, Parameters] | None
    language: tuple[bytes, ...]
    location: bytes | None
    md5: bytes | None


def content(fields: Fields, in_digest: bool = False) -> Content:
    raw = fields.get(b"content-type")
    default = MESSAGE_RFC822 if in_digest else TEXT_PLAIN  # 2046 5.1.5, 2045 5.2
    kind = default if raw is None else content_type(raw[0])
    if len(fields) <= 2 and fields.keys() <= _COMMON_PAIR:
        return _plain(kind, _encoding(fields))
    disposition = fields.get(b"content-disposition")
    language = fields.get(b"content-language")
    location = _first(fields, b"content-location")
    return Content(
        kind,
        _encoding(fields),
        _first(fields, b"content-id"),
        _first(fields, b"content-description"),
        content_disposition(disposition[0]) if disposition else None,
        tuple(_TOKEN.findall(language[0].replace(b",", b" "))) if language else (),
        None if location is None else b"".join(location.split()),  # 2557 4.4.2
        _first(fields, b"content-md5"),
    )


_COMMON_PAIR = frozenset((b"content-type", b"content-transfer-encoding"))


@lru_cache(512)
def _plain(kind: ContentType, encoding: bytes) -> Content:
    return Content(kind, encoding, None, None, None, (), None, None)


def _first(fields: Fields, name: bytes) -> bytes | None:
    values = fields.get(name)
    return values[0] if values else None


def _encoding(fields: Fields) -> bytes:
    values = fields.get(b"content-transfer-encoding")
    match = _TOKEN.search(_without_comments(values[0])) if values else None
    return match[0] if match else b"7bit"  # 2045 6.1


@lru_cache(1024)
def content_type(value: bytes) -> ContentType:
    """Text/plain in us-ascii when *value* is no media type (RFC 2045 5.2)."""
    value = _without_comments(value)
    match = _TYPE.match(value)
    if match is None:
        return TEXT_PLAIN
    return _content_type(match[1], match[2], parameters(value, match.end()))


def _content_type(main: bytes, sub: bytes, found: Parameters) -> ContentType:
    media = f"{main.decode('latin-1')}/{sub.decode('latin-1')}".lower()
    charset, boundary = b"", None
    for name, text in reversed(found):  # of several the first one counts
        key = name.lower()
        if key == b"charset":
            charset = text
        elif key == b"boundary":
            boundary = text.rstrip(b" \t")
    if boundary is not None and not 0 < len(boundary) <= MAX_BOUNDARY:
        boundary = None
    return ContentType(main, sub, found, media, charset.decode("latin-1").lower(), boundary)


def parameters(value: bytes, position: int = 0) -> Parameters:
    """``; name=value`` pairs.  Text without ``=`` is passed over; quotes may be missing."""
    found: list[tuple[bytes, bytes]] = []
    while position < len(value) and len(found) < MAX_PARAMETERS:
        match = _PARAMETER.match(value, position)
        if match is None:
            skipped = _not_parameter.match(value, position)
            assert skipped is not None
            position = skipped.end()
            continue
        name, quoted, token = match.groups()
        if quoted is not None:
            text = _quoted_pair(rb"\1", quoted) if b"\\" in quoted else quoted
        else:
            text = _without_comment(token.rstrip(b" \t"))
        found.append((name, text))
        position = match.end()
    return tuple(found)


def _without_comments(value: bytes) -> bytes:
    """*value* without the comments before its first parameter (2045 5.1, 6.1; 5322 3.2.2)."""
    if b"(" not in value:
        return value
    kept, depth = b"", 0
    for piece in _pieces(value):
        token = piece[0]
        if token == b"(":
            depth += 1
        elif token == b")" and depth:
            depth -= 1
            kept += b" "
        elif depth:
            continue
        elif token in (b";", b"=", b'"'):  # file names may have parentheses
            return kept.lstrip() + value[piece.start() :]
        else:
            kept += token
    return value if depth else kept.strip()


def _without_comment(token: bytes) -> bytes:
    """2045 5.1 allows one; what follows no white space is part of an unquoted file name."""
    start = token.rfind(b"(")
    if start > 0 and token.endswith(b")") and token[start - 1] in b" \t":
        return token[:start].rstrip(b" \t")
    return token


@lru_cache(256)
def content_disposition(value: bytes) -> tuple[bytes, Parameters] | None:
    """Its kind as it came, and its parameters; None when there is no kind."""
    value = _without_comments(value)
    match = _TOKEN.match(value)
    if match is None:
        return None
    if b"=" in match[0]:  # "Content-Disposition: filename=x": some programs forget the kind
        return b"attachment", parameters(value)
    return match[0], parameters(value, match.end())


TEXT_PLAIN = _content_type(b"text", b"plain", ((b"charset", b"us-ascii"),))
MESSAGE_RFC822 = _content_type(b"message", b"rfc822", ())

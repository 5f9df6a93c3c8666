"""Encoded words in header text (RFC 2047) and encoded parameters (RFC 2231).

More is taken than the RFCs allow, because mail contains it: encoded words inside quoted strings
or without white space around them, characters cut in two by a word's end, raw 8-bit text (UTF-8,
otherwise Windows-1252), encoded words as parameter values.  What cannot be decoded stays as it is.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from mailhub.mime.charset import decode

_WORD = re.compile(rb"=\?([^?\s*]{1,40})(?:\*[^?\s]*)?\?([QqBb])\?([^?]*)\?=")
_CONTROLS = dict.fromkeys((*range(32), 127), " ")
_controls = re.compile(r"[\x00-\x1f\x7f]").search
_not_base64 = re.compile(rb"[^A-Za-z0-9+/]+").sub


def decode_words(text: bytes) -> str:
    """Unfolded header *text* for people and for searching; control characters become spaces."""
    decoded = decode(text) if b"=?" not in text else "".join(_pieces(text))
    if decoded.isprintable() or not _controls(decoded):
        return decoded
    return decoded.translate(_CONTROLS)


def _pieces(text: bytes) -> Iterable[str]:
    charset, encoded = "", b""  # words not yet given out: same charset, nothing but space between
    end = 0
    for word in _WORD.finditer(text):
        between = text[end : word.start()]
        label = word[1].decode("latin-1").lower()
        adjacent = charset and not between.strip()  # 2047 6.2: such space is not shown
        if charset and not (adjacent and label == charset):
            yield decode(encoded, charset)
            encoded = b""
        if between and not adjacent:
            yield decode(between)
        charset, end = label, word.end()
        encoded += _word_bytes(word[2], word[3])
    if charset:
        yield decode(encoded, charset)
    if end < len(text):
        yield decode(text[end:])


def _word_bytes(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"Qq":
        return binascii.a2b_qp(text, header=True)
    return _base64_bytes(text)


def _base64_bytes(text: bytes) -> bytes:
    """What *text* encodes, other characters ignored, an incomplete last group as far as it goes."""
    digits = _not_base64(b"", text)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def decode_parameter(parameters: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """The value of parameter *name*: plain, encoded (``name*``) or in pieces (``name*0*``...).

    The encoded forms win over a plain one, which is then a fall-back for old programs.
    """
    found = {key.lower(): value for key, value in reversed(list(parameters))}
    whole = found.get(name + b"*")
    if whole is not None:
        charset, text = _extended(whole)
        return decode(unquote_to_bytes(text), charset).translate(_CONTROLS)
    if name + b"*0" in found or name + b"*0*" in found:
        return _continued(found, name).translate(_CONTROLS)
    plain = found.get(name)
    return None if plain is None else decode_words(plain)


def _continued(found: dict[bytes, bytes], name: bytes) -> str:  # 2231 3, 4.1
    charset, pieces = "", []
    for n in range(len(found)):
        encoded = found.get(b"%b*%d*" % (name, n))
        if encoded is not None:
            if n == 0:
                charset, encoded = _extended(encoded)
            pieces.append(unquote_to_bytes(encoded))
            continue
        plain = found.get(b"%b*%d" % (name, n))
        if plain is None:
            break
        pieces.append(plain)
    return decode(b"".join(pieces), charset)


def _extended(value: bytes) -> tuple[str, bytes]:  # 2231 4: charset'language'text
    pieces = value.split(b"'", 2)
    if len(pieces) < 3:
        return "", value
    return pieces[0].decode("latin-1"), pieces[2]

"""IMAP strings: how ENVELOPE and BODYSTRUCTURE put header text on the wire (RFC 9051 4.3).

Everything that comes out is valid in every session, whatever it has enabled: quoted strings are
7-bit, anything else is a literal.  Text is unfolded before it comes here (:mod:`.headers`).
"""

from __future__ import annotations

import re
from functools import lru_cache

MAX_QUOTED = 1000
"""Longer strings become literals: some clients read a line at a time, with a limit."""

_simple = re.compile(rb"[\t !#-\[\]-~]*").fullmatch
_special = re.compile(rb'(["\\])')


def string(text: bytes) -> bytes:
    """*text* as a quoted string or literal.  CR, LF and NUL must not occur in it."""
    if _simple(text) and len(text) <= MAX_QUOTED:
        return b'"%b"' % text
    if text.isascii() and len(text) <= MAX_QUOTED:
        return b'"%b"' % _special.sub(rb"\\\1", text)
    return b"{%d}\r\n%b" % (len(text), text)


def nstring(text: bytes | None) -> bytes:
    return b"NIL" if text is None else string(text)


Parameters = tuple[tuple[bytes, bytes], ...]


@lru_cache(512)
def parameter_list(parameters: Parameters) -> bytes:
    """``body-fld-param``: ("name" "value" ...) or NIL."""
    if not parameters:
        return b"NIL"
    return b"(%b)" % b" ".join([string(text) for pair in parameters for text in pair])

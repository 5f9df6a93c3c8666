"""A header block taken apart into fields (RFC 5322 2.2), in one pass of one regular expression.

Lines end in LF, with or without CR before it; a line that starts with a space or tab belongs to
the field before it.  A line without a colon is no field, and neither are its continuations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Each match takes exactly one field with its continuations, or one line that is no field, so
# the next one starts at a line again.  Possessive: no input makes it go back.
_FIELD = re.compile(rb"(?:([^\n:\t ]++)[\t ]*+:)?+([^\n]*+\n(?:[\t ][^\n]*+\n)*+)")
_CONTROLS = bytes.maketrans(b"\r\0", b" ?")

Fields = dict[bytes, list[bytes]]


def fields(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name in lower case, value as it is in the block) of every field, in order."""
    for name, value in _FIELD.findall(block if block.endswith(b"\n") else block + b"\n"):
        if name:
            yield name.lower(), value


def collect(block: bytes, names: frozenset[bytes]) -> Fields:
    """The unfolded values of the fields among *names* (lower case), by name."""
    found: Fields = {}
    for name, value in _FIELD.findall(block if block.endswith(b"\n") else block + b"\n"):
        key = name.lower()
        if key in names:
            found.setdefault(key, []).append(unfold(value))
    return found


def unfold(value: bytes) -> bytes:
    """A field's text on one line (RFC 5322 2.2.3), without CR, LF and NUL.

    A NUL cannot be in any IMAP string; a bare CR is a space to whoever sent it.
    """
    text = value.strip(b" \t\r\n")
    if b"\n" in text:
        text = text.replace(b"\r\n", b"").replace(b"\n", b"")
    if b"\r" in text or b"\0" in text:
        text = text.translate(_CONTROLS).strip(b" \t")
    return text

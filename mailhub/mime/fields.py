"""BODY[HEADER.FIELDS (...)] and .NOT: fields of a header block, byte for byte (RFC 9051 6.4.5.1).

One compiled expression per set of names; clients ask for the same few sets all the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_FOLDED = rb"[^\n]*+(?:\n[\t ][^\n]*+)*+(?:\n|\Z)"
_ANY = re.compile(rb"([^\n:\t ]*+)[\t ]*+(:?)" + _FOLDED).finditer


def select_fields(header_block: bytes, names: frozenset[bytes], exclude: bool = False) -> bytes:
    """The fields called one of *names* (or, *exclude*, all others) and the empty line.

    Names compare without regard to case.  Lines that are no fields belong to neither, except
    that nothing but the named fields is excluded.  Without an empty line in *header_block*
    there is none in the result, as the message then has no body (9051 6.4.5.1).
    """
    end = _empty_line(header_block)
    block, rest = header_block[:end], header_block[end:]
    if exclude:
        wanted = frozenset(name.lower() for name in names)
        kept = [m[0] for m in _ANY(block) if not (m[2] and m[1].lower() in wanted)]
        return b"".join([*kept, rest])
    return b"".join([*_finder(names)(block), rest])


def _empty_line(header_block: bytes) -> int:
    """Where the empty line that ends *header_block* begins."""
    if header_block.endswith(b"\n\r\n") or header_block == b"\r\n":
        return len(header_block) - 2
    if header_block.endswith(b"\n\n") or header_block == b"\n":
        return len(header_block) - 1
    return len(header_block)


@lru_cache(256)
def _finder(names: frozenset[bytes]) -> Callable[[bytes], list[bytes]]:
    choices = b"|".join(re.escape(name) for name in sorted(names))
    if not choices:
        return lambda block: []
    return re.compile(
        rb"^((?:" + choices + rb")[\t ]*+:" + _FOLDED + rb")", re.IGNORECASE | re.MULTILINE
    ).findall

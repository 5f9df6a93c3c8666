"""BODY[HEADER.FIELDS (...)] and .NOT: fields of a header block, byte for byte (RFC 9051 6.4.5.1).

One compiled expression per set of names; clients ask for the same few sets all the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

_REST = rb"[^\n]*+(?:\n[\t ][^\n]*+)*+"
_each = re.compile(rb"\n([^\n:\t ]*+)[\t ]*+(:?)" + _REST).finditer


def select_fields(header_block: bytes, names: frozenset[bytes], exclude: bool = False) -> bytes:
    """The fields called one of *names* (or, *exclude*, all others) and the empty line.

    Names compare without regard to case.  Lines that are no fields are kept with *exclude*.
    There is an empty line if *header_block* has one (9051 6.4.5.1: a message that has no body
    and no blank line has none here either).
    """
    if header_block.endswith(b"\n\r\n") or header_block == b"\r\n":
        empty_line = b"\r\n"
    elif header_block.endswith(b"\n\n") or header_block == b"\n":
        empty_line = b"\n"
    else:
        empty_line = b""
    lines = header_block[: len(header_block) - len(empty_line)]
    ended = lines.endswith(b"\n")
    block = b"\n" + (lines[:-1] if ended else lines)
    found = _all_but(names, block) if exclude else _finder(names)(block)
    if not found:
        return empty_line
    # Every line was found with the LF before it; a last line without one gets none.
    last = b"\n" if ended or not block.endswith(found[-1]) else b""
    return b"".join(found)[1:] + last + empty_line


def select_from_many(header_blocks: Iterable[bytes], names: frozenset[bytes]) -> list[bytes]:
    """:func:`select_fields` of many blocks at once, for FETCH of a whole mailbox."""
    find = _finder(names)
    selected: list[bytes] = []
    for block in header_blocks:
        if not block.endswith(b"\n\r\n"):
            selected.append(select_fields(block, names))
        elif found := find(b"\n" + block):
            selected.append(b"".join(found)[1:] + b"\n\r\n")
        else:
            selected.append(b"\r\n")
    return selected


def _all_but(names: frozenset[bytes], block: bytes) -> list[bytes]:
    unwanted = frozenset([name.lower() for name in names])
    return [m[0] for m in _each(block) if not (m[2] and m[1].lower() in unwanted)]


@lru_cache(256)
def _finder(names: frozenset[bytes]) -> Callable[[bytes], list[bytes]]:
    if not names:
        return lambda block: []
    # Both cases spelled out: with IGNORECASE the engine cannot reject a line by its first byte.
    choices = b"|".join([b"".join(map(_either_case, name)) for name in sorted(names)])
    return re.compile(rb"\n(?:" + choices + rb")[\t ]*+:" + _REST).findall


def _either_case(octet: int) -> bytes:
    letter = bytes((octet,))
    return b"[%b%b]" % (letter.upper(), letter.lower()) if letter.isalpha() else re.escape(letter)

"""The header fields that clients list mailboxes by, kept apart from the rest of the header.

Whoever synchronises asks for HEADER.FIELDS of a dozen fields out of a header of thirty.  So these
fields are packed once, at delivery: which there are, a character for each, then their lines as
they are, all with a NUL between.  Picking is then splitting.

A header that cannot be packed is shown as it is behind a line feed: no packed one begins so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter

from mailhub.mime.fields import select_fields

COMMON = (
    "bcc cc chat-version content-type date disposition-notification-to followup-to from importance"
    " in-reply-to lines list-help list-id list-post list-subscribe list-unsubscribe"
    " mail-followup-to mail-reply-to message-id mime-version newsgroups priority references"
    " reply-to resent-date resent-from resent-to return-receipt-to sender subject to"
    " x-draft-info x-k9mail-identity x-label x-priority x-tuid x-uniform-type-identifier"
    " x-universally-unique-identifier authentication-results bimi-indicator bimi-location"
    " content-description content-length content-transfer-encoding delivered-to dkim-signature"
    " list-archive list-owner precedence received resent-cc resent-message-id return-path status"
    " user-agent x-bimi-indicator-hash x-mailer x-original-to x-spam-flag x-status"
)
"""In the order of their characters, which is part of the stored form: it must stay as it is."""

NAMES = frozenset(COMMON.encode().split())
MAX_PACKED = 4_000
"""Octets: what fits into a page of the store."""
MOST_LAYOUTS = 4_096
"""So many arrangements of fields are remembered for one set of names."""

_AS_IS = b"\n"
_CHARACTERS = {name: bytes((48 + place,)) for place, name in enumerate(COMMON.encode().split())}
_END = b"\r\n"
# Each match takes a field with its continuations, or a line that is none, so nothing is searched.
_fields = re.compile(rb"((?:([^\n:\t ]++)[\t ]*+:)?+[^\n]*+\n(?:[\t ][^\n]*+\n)*+)").findall

Picker = Callable[[Sequence[bytes]], Sequence[bytes]]


def pack(header_block: bytes) -> bytes | None:
    """The common fields of a header; None if it must be kept as it is."""
    if not header_block.endswith(b"\n\r\n") or b"\0" in header_block:
        return None
    layout, lines = b"", []
    for line, name in _fields(header_block):
        character = _CHARACTERS.get(name.lower())
        if character is not None:
            layout += character
            lines.append(line)
    packed = b"\0".join([layout, *lines, _END])
    return packed if len(packed) <= MAX_PACKED else None


def as_it_is(header_block: bytes) -> bytes:
    """What stands for a header that could not be packed."""
    return _AS_IS + header_block


def pick(kept: Iterable[bytes], names: frozenset[bytes]) -> list[bytes]:
    """What :func:`select_fields` gives for each header; all *names* must be in NAMES."""
    pickers, join, as_is = _pickers(names), b"".join, ord(_AS_IS)
    return [
        join(pickers[(pieces := one.split(b"\0"))[0]](pieces))
        if one[0] != as_is
        else select_fields(one[1:], names)
        for one in kept
    ]


class _Pickers(dict[bytes, Picker]):
    """For one set of names: from an arrangement of fields to what takes them from the pieces."""

    def __init__(self, names: frozenset[bytes]) -> None:
        super().__init__()
        self._wanted = b"".join([_CHARACTERS[name] for name in names])

    def __missing__(self, layout: bytes) -> Picker:
        if len(self) >= MOST_LAYOUTS:
            self.clear()
        places = [place for place, octet in enumerate(layout, 1) if octet in self._wanted]
        end = len(layout) + 1
        picker: Picker = itemgetter(*places, end) if places else itemgetter(slice(end, None))
        self[layout] = picker
        return picker


@lru_cache(256)
def _pickers(names: frozenset[bytes]) -> _Pickers:
    return _Pickers(names)

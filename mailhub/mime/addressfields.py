"""All that is kept of an address field: for ENVELOPE, for sorting (RFC 5256, 5957), for searching.

People write to the same people all the time, so what a field's text becomes is remembered.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from mailhub.mime.addresses import Address, address_list, parse
from mailhub.mime.casemap import casemap
from mailhub.mime.words import decode_words

MAX_REMEMBERED_OCTETS = 256
"""Of a field's text; longer ones are seldom the same."""


class AddressField(NamedTuple):
    wire: bytes
    """As ENVELOPE shows it; NIL when there is no address."""
    text: str
    """As :func:`texts` has it."""
    sort: str
    """RFC 5256 3: the mailbox part of the first address."""
    display: str
    """RFC 5957 3."""


NOBODY = AddressField(b"NIL", "", "", "")


def address_field(values: list[bytes] | None) -> AddressField:
    """Of a field that occurs once for each of *values* (unfolded)."""
    if not values:
        return NOBODY
    if len(values) == 1 and len(values[0]) <= MAX_REMEMBERED_OCTETS:
        return _remembered(values[0])
    return _address_field(values)


@lru_cache(2048)
def _remembered(value: bytes) -> AddressField:
    return _address_field([value])


def _address_field(values: list[bytes]) -> AddressField:
    found = parse(values)
    return AddressField(address_list(found), texts(values), _mailbox(found), _display(found))


def texts(values: list[bytes]) -> str:
    """For searching: decoded, each field on a line; there are no other control characters."""
    return "\n".join([decode_words(value) for value in values])


def _mailbox(addresses: list[Address]) -> str:
    return casemap(_decoded(addresses[0].mailbox)) if addresses else ""


def _display(addresses: list[Address]) -> str:
    if not addresses:
        return ""
    name, _, mailbox, host = addresses[0]
    shown = decode_words(name).strip() if name else ""
    if not shown:
        shown = _decoded(mailbox)
        if host is not None:
            shown = f"{shown}@{_decoded(host)}"
    return casemap(shown)


def _decoded(text: bytes | None) -> str:
    return decode_words(text) if text else ""

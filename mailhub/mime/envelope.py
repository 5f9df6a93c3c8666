"""ENVELOPE in wire form, from the header of a message (RFC 9051 7.5.2, RFC 3501 7.4.2).

Encoded words stay as they are: clients decode them.  Address fields that occur more than once
are put together, of other fields the first one counts; both are faults of the sender
(RFC 5322 3.6), and this way nothing that was addressed is hidden.
"""

from __future__ import annotations

from typing import NamedTuple

from mailhub.mime.addresses import Address, address_list, parse
from mailhub.mime.headers import Fields
from mailhub.mime.wirestring import nstring

ENVELOPE_FIELDS = frozenset(
    b"date subject from sender reply-to to cc bcc in-reply-to message-id".split()
)


class Addresses(NamedTuple):
    """The address fields, parsed once for ENVELOPE and for the sort keys."""

    from_: list[Address]
    sender: list[Address]
    reply_to: list[Address]
    to: list[Address]
    cc: list[Address]
    bcc: list[Address]


_ADDRESS_FIELDS = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")


def addresses(fields: Fields) -> Addresses:
    return Addresses(*[parse(fields[n]) if n in fields else [] for n in _ADDRESS_FIELDS])


def first(fields: Fields, name: bytes) -> bytes | None:
    values = fields.get(name)
    return values[0] if values else None


def envelope(fields: Fields, found: Addresses) -> bytes:
    author = address_list(found.from_)
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        nstring(first(fields, b"date")),
        nstring(first(fields, b"subject")),
        author,
        address_list(found.sender) if found.sender else author,  # 9051 7.5.2: absent or empty
        address_list(found.reply_to) if found.reply_to else author,
        address_list(found.to),
        address_list(found.cc),
        address_list(found.bcc),
        nstring(first(fields, b"in-reply-to")),
        nstring(first(fields, b"message-id")),
    )

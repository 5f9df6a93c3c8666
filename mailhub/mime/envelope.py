"""ENVELOPE in wire form, from the header of a message (RFC 9051 7.5.2, RFC 3501 7.4.2).

Encoded words stay as they are: clients decode them.  Address fields that occur more than once
are put together, of other fields the first one counts; both are faults of the sender
(RFC 5322 3.6), and this way nothing that was addressed is hidden.
"""

from __future__ import annotations

from typing import NamedTuple

from mailhub.mime.addressfields import AddressField, address_field
from mailhub.mime.headers import Fields
from mailhub.mime.wirestring import nstring

ENVELOPE_FIELDS = frozenset(
    b"date subject from sender reply-to to cc bcc in-reply-to message-id".split()
)


class Addresses(NamedTuple):
    """The address fields, read once for ENVELOPE and for the sort keys."""

    from_: AddressField
    sender: AddressField
    reply_to: AddressField
    to: AddressField
    cc: AddressField
    bcc: AddressField


_ADDRESS_FIELDS = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")


def addresses(fields: Fields) -> Addresses:
    return Addresses._make([address_field(fields.get(name)) for name in _ADDRESS_FIELDS])


def first(fields: Fields, name: bytes) -> bytes | None:
    values = fields.get(name)
    return values[0] if values else None


def envelope(fields: Fields, found: Addresses) -> bytes:
    author = found.from_.wire
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        nstring(first(fields, b"date")),
        nstring(first(fields, b"subject")),
        author,
        _or(found.sender, author),  # 9051 7.5.2: absent or empty
        _or(found.reply_to, author),
        found.to.wire,
        found.cc.wire,
        found.bcc.wire,
        nstring(first(fields, b"in-reply-to")),
        nstring(first(fields, b"message-id")),
    )


def _or(field: AddressField, author: bytes) -> bytes:
    return author if field.wire == b"NIL" else field.wire

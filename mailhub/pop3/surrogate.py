"""Headers of internationalised mail for clients that did not ask for UTF-8.  RFC 6856 2.1.

A message that came as SMTPUTF8 (its Received fields say so) may have UTF-8 in its header, which a
client that has not given the UTF8 command must not be sent.  Refusing such a message would stop
many clients for good, so they get a surrogate in the manner of RFC 6858: texts become encoded
words, addresses beyond ASCII one that leads nowhere.  The size in LIST stays that of the stored
message (6856 2.1: a SHOULD), the one in RETR's answer is that of the surrogate.

Left alone on purpose: 8-bit headers of other mail, where they are nothing but a sender's mistake,
which every client has learnt to show; and the headers of parts inside the body.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.header import Header
from urllib.parse import quote

from mailhub.mime.addresses import Address, parse
from mailhub.mime.headers import unfold

INVALID_ADDRESS = b"invalid@internationalized-address.invalid"  # 6858 2.1
LINE_LENGTH = 76

_FIELD = re.compile(rb"(?:[^\n]+\n|\n)(?:[ \t][^\n]*\n)*|[^\n]+")
_UTF8_TRANSPORT = re.compile(rb"^Received:.*?\swith\s+UTF8", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r'([A-Za-z0-9-]+)="([^"]*[^\x00-\x7f][^"]*)"')
_ADDRESSES = frozenset(
    (
        b"from sender reply-to to cc bcc resent-from resent-sender resent-to resent-cc resent-bcc "
        b"return-path delivered-to disposition-notification-to"
    ).split()
)


def needs_utf8(header: bytes) -> bool:
    """Whether *header* may be shown as it is only to a client in UTF-8 mode."""
    if header.isascii():
        return False
    return any(_UTF8_TRANSPORT.match(field) for field in _FIELD.findall(header))


def surrogate(header: bytes) -> bytes:
    """*header* in ASCII; fields that are ASCII already stay byte for byte."""
    return b"".join(
        field if field.isascii() else _ascii_field(field) for field in _FIELD.findall(header)
    )


def _ascii_field(field: bytes) -> bytes:
    name, colon, value = field.partition(b":")
    if not colon or not name.isascii():
        return field.translate(_QUESTION_MARKS)
    key = name.strip().lower()
    render: Callable[[bytes], bytes] = _text
    if key in _ADDRESSES:
        render = _address_list
    elif key.startswith(b"content-"):
        render = _parameters
    elif key == b"received":
        render = _marked
    return name + b": " + render(unfold(value)) + b"\r\n"


def _text(value: bytes) -> bytes:
    """As encoded words (2047), folded."""
    header = Header(value.decode("utf-8", "replace"), "utf-8", maxlinelen=LINE_LENGTH)
    return header.encode(linesep="\r\n").encode("ascii")


def _parameters(value: bytes) -> bytes:
    """``filename="ü"`` as 2231 4 has it."""
    text = _PARAMETER.sub(
        lambda match: f"{match[1]}*=utf-8''{quote(match[2], safe='')}",
        value.decode("utf-8", "replace"),
    )
    return text.encode("ascii", "replace")


def _address_list(value: bytes) -> bytes:
    return b",\r\n ".join(_address(address) for address in parse([value]) if address.mailbox)


def _address(address: Address) -> bytes:
    mailbox = b"%b@%b" % (address.mailbox or b"", address.host or b"")
    if not mailbox.isascii() or address.host is None:
        mailbox = INVALID_ADDRESS
    if not address.name:
        return b"<%b>" % mailbox
    if address.name.isascii():
        quoted = re.sub(rb'(["\\])', rb"\\\1", address.name)
        return b'"%b" <%b>' % (quoted, mailbox)
    return b"%b <%b>" % (_text(address.name), mailbox)


def _marked(value: bytes) -> bytes:
    return value.translate(_QUESTION_MARKS)


_QUESTION_MARKS = bytes(octet if octet < 0x80 else ord("?") for octet in range(256))

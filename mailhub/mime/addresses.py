"""Address lists of a header field, as ENVELOPE presents them (RFC 5322 3.4, 4.4; RFC 9051 7.5.2).

Nearly all mail is matched by one expression per address; whatever is not (groups, routes,
comments, quoting of every kind, mistakes) goes through the tokens of :mod:`.addresstokens`.

What cannot be an address still shows something: words without ``@`` are a mailbox without a
host when there is one of them, and a name without an address when there are several.  A missing
host or mailbox is the empty string, because NIL there means a group (9051 7.5.2).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mailhub.mime import addresstokens
from mailhub.mime.wirestring import nstring

MAX_ADDRESSES = 10_000
"""Of one message's field; more are not looked at."""
MAX_UNUSUAL_OCTETS = 128 * 1024
"""Of a field that has to be read token by token, which takes some 50 times as long."""


class Address(NamedTuple):
    """``host`` None: a group starts (``mailbox`` is its name) or ends (None)."""

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None


GROUP_END = Address(None, None, None, None)

_ATOM = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\x80-\xff]"
# name or "name", <local@host>, to the comma or the end.
_COMMON = re.compile(
    rb'[ \t]*+(?:(?:"([^"\\]*+)"[ \t]*+|([A-Za-z0-9!#$%&\'*+/=?^_`{|}~.\- \t\x80-\xff]*+))<'
    rb"(" + _ATOM + rb"++)@(" + _ATOM + rb"++)>|"
    rb"(" + _ATOM + rb"++)@(" + _ATOM + rb"++))[ \t]*+(?:,|$)"
)


def parse(values: list[bytes]) -> list[Address]:
    """The addresses of a field that occurs once for each of *values* (unfolded)."""
    found: list[Address] = []
    for value in values:
        position = 0
        while position < len(value) and len(found) < MAX_ADDRESSES:
            match = _COMMON.match(value, position)
            if match is None:
                rest = MAX_ADDRESSES - len(found)
                unusual = value[position : position + MAX_UNUSUAL_OCTETS]
                found += [Address(*a) for a in addresstokens.parse(unusual, rest)]
                break
            quoted, plain, local, host, bare, bare_host = match.groups()
            if local is None:
                found.append(Address(None, None, bare, bare_host))
            else:
                name = b" ".join((quoted if quoted is not None else plain).split())
                found.append(Address(name or None, None, local, host))
            position = match.end()
    return found


def address_list(addresses: list[Address]) -> bytes:
    """``env-from`` and its like: a parenthesised list, or NIL when there is none."""
    if not addresses:
        return b"NIL"
    return b"(%b)" % b"".join(
        [
            b"(%b %b %b %b)" % (nstring(name), nstring(route), nstring(mailbox), nstring(host))
            for name, route, mailbox, host in addresses
        ]
    )

"""PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login): a password in the clear.

Names and passwords stay octets here: preparing them (SASLprep) is up to whoever compares them,
because a directory prepares in its own way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mailhub.sasl.errors import SaslFailed

MAX_OCTETS = 1024
"""Of a name or password.  RFC 4616 2 asks for 255 at least."""
LOGIN_CHALLENGES = (b"Username:", b"Password:")
"""What clients of LOGIN expect, to the letter (some compare)."""


@dataclass(frozen=True, slots=True)
class Password:
    authorization: bytes
    """Whom to act as; empty: oneself."""
    user: bytes
    password: bytes = field(repr=False)


def parse_plain(message: bytes) -> Password:
    """``[authzid] NUL authcid NUL passwd`` (4616 2), not yet :func:`checked`."""
    pieces = message.split(b"\0")
    if len(pieces) != 3:
        raise SaslFailed("malformed PLAIN message")
    return Password(*pieces)


def checked(given: Password) -> Password:
    """*given*, unless a part is empty, too long, or not UTF-8 without NUL."""
    for part in (given.user, given.password):
        if not part:
            raise SaslFailed("empty user name or password")
    for part in (given.authorization, given.user, given.password):
        if len(part) > MAX_OCTETS:
            raise SaslFailed("user name or password too long")
        try:
            text = part.decode("utf-8")
        except UnicodeDecodeError:
            raise SaslFailed("user name or password not in UTF-8") from None
        if "\0" in text:
            raise SaslFailed("NUL in user name or password")
    return given

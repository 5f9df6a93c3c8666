"""Modified UTF-7: how IMAP4rev1 writes mailbox names.  RFC 3501 5.1.3, RFC 9051 A.1.

Decoding is lenient where the meaning is plain (superfluous shifts, ASCII inside a shift), since
clients wrote such names for decades, and refuses what has no meaning.
"""

from __future__ import annotations

import binascii
import re

from mailhub.model.errors import BadMailboxName

_SHIFTED = re.compile(r"&([^-]*)(-?)")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+|&")


def decode(text: str) -> str:
    """Unicode from modified UTF-7; raises BadMailboxName."""
    return _SHIFTED.sub(_decode_shift, text) if "&" in text else text


def _decode_shift(match: re.Match[str]) -> str:
    encoded, end = match.groups()
    if not end:
        raise BadMailboxName("A mailbox name has an '&' that no '-' ends (modified UTF-7)")
    if not encoded:
        return "&"
    try:
        padded = encoded.replace(",", "/") + "=" * (-len(encoded) % 4)
        return binascii.a2b_base64(padded, strict_mode=True).decode("utf-16-be")
    except ValueError:
        raise BadMailboxName("A mailbox name is not valid modified UTF-7") from None


def encode(text: str) -> str:
    """ASCII that :func:`decode` turns back into *text*."""
    return _UNPRINTABLE.sub(_encode_shift, text)


def _encode_shift(match: re.Match[str]) -> str:
    if match[0] == "&":
        return "&-"
    encoded = binascii.b2a_base64(match[0].encode("utf-16-be"), newline=False).decode()
    return "&" + encoded.rstrip("=").replace("/", ",") + "-"

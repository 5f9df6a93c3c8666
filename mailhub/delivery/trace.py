"""The header lines that final delivery puts before a message.  RFC 5321 4.4.

``Return-Path`` keeps the envelope sender, ``Delivered-To`` the address mail was filed for, and
``Received`` tells who brought it, when, and how.  A message that has such lines already keeps them
below ours: what came in is never altered.  Bcc recipients are not given away, so ``Received``
has no ``for``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from mailhub.interfaces import Envelope
from mailhub.model.mail import Client, Recipient

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def trace_lines(envelope: Envelope, recipient: Recipient, hostname: str, seconds: float) -> bytes:
    """Whole CRLF-ended lines, in UTF-8."""
    lines = [
        f"Return-Path: <{_safe(envelope.sender)}>",
        f"Delivered-To: {_safe(recipient.address)}",
        f"Received: {_origin(envelope)}by {_safe(hostname)} (mailhub)",
        f"\twith {_protocol(envelope)} id {_safe(envelope.client.connection)};",
        f"\t{_date(int(seconds))}",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")


@lru_cache(4)
def _date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


def _origin(envelope: Envelope) -> str:
    """The From-domain of 5321 4.4 with its line end; nothing when nobody said who they are."""
    words = []
    if envelope.helo:
        words.append(f"from {_safe(envelope.helo)}")
        if envelope.client.address:
            words.append(f"({_address_literal(envelope.client.address)})")
    return " ".join(words) + "\r\n\t" if words else ""


def _address_literal(address: str) -> str:
    return f"[IPv6:{_safe(address)}]" if ":" in address else f"[{_safe(address)}]"


def _protocol(envelope: Envelope) -> str:
    """The ``with`` keyword: 3848 (LMTP, LMTPS), 6531 4.3 (UTF8LMTP, UTF8LMTPS)."""
    client: Client = envelope.client
    return ("UTF8" if envelope.smtputf8 else "") + "LMTP" + ("S" if client.tls else "")


def _safe(text: str) -> str:
    """A second line of defence: the parsers let no control character through."""
    return _UNSAFE.sub("?", text)

"""Mailbox names: Unicode, ``/`` between levels, ``INBOX`` in any case meaning one mailbox.

There is no prefix and no namespace other than the personal one; what a wire encodes (modified
UTF-7, UTF-8) is the protocol's business.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NewType

from mailhub.model.errors import BadMailboxName

MailboxName = NewType("MailboxName", str)
"""A name that :func:`mailbox_name` has checked."""

SEPARATOR = "/"
INBOX = MailboxName("INBOX")
MAX_NAME_OCTETS = 1000
MAX_LEVELS = 50


@lru_cache(1024)
def mailbox_name(text: str) -> MailboxName:
    """The canonical form of *text*, or raise BadMailboxName.

    Names are kept in Unicode normalisation form C (RFC 9051 5.1), and a first level that spells
    INBOX in any case is ``INBOX``: some clients write ``Inbox/Sub`` for what others call
    ``INBOX/Sub``.
    """
    name = unicodedata.normalize("NFC", text)
    if not name:
        raise BadMailboxName("A mailbox name must not be empty")
    if len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_OCTETS:
        raise BadMailboxName(f"A mailbox name may have at most {MAX_NAME_OCTETS} octets")
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name):
        raise BadMailboxName("A mailbox name must not contain control characters")
    levels = name.split(SEPARATOR)
    if not all(levels):
        raise BadMailboxName("A mailbox name must not have an empty level")
    if len(levels) > MAX_LEVELS:
        raise BadMailboxName(f"A mailbox name may have at most {MAX_LEVELS} levels")
    if levels[0].upper() == INBOX:
        levels[0] = INBOX
    return MailboxName(SEPARATOR.join(levels))


def parents(name: MailboxName) -> list[MailboxName]:
    """The names above *name*, the topmost first."""
    levels = name.split(SEPARATOR)
    return [MailboxName(SEPARATOR.join(levels[:n])) for n in range(1, len(levels))]


def is_below(name: str, parent: str) -> bool:
    """Whether *name* is a descendant of *parent* (not *parent* itself)."""
    return name.startswith(parent + SEPARATOR)

"""Message flags as bits of one integer.

Bits 0 to 4 are the system flags and mean the same in every mailbox.  From bit
:data:`FIRST_KEYWORD_BIT` on, bit ``FIRST_KEYWORD_BIT + i`` is the i-th keyword of *that mailbox*
(``MailboxStatus.keywords[i]``).  A mask fits a signed 64-bit integer, hence
:data:`MAX_KEYWORDS`.  ``\\Recent`` is no stored flag: it is a property of a session
(RFC 3501 2.3.2, gone in RFC 9051).
"""

from __future__ import annotations

import enum

SEEN = 1 << 0
ANSWERED = 1 << 1
FLAGGED = 1 << 2
DELETED = 1 << 3
DRAFT = 1 << 4

SYSTEM_FLAGS: dict[str, int] = {
    "\\Seen": SEEN,
    "\\Answered": ANSWERED,
    "\\Flagged": FLAGGED,
    "\\Deleted": DELETED,
    "\\Draft": DRAFT,
}
"""Canonical spelling to bit.  Flags compare without regard to case (RFC 9051 2.3.2)."""

FIRST_KEYWORD_BIT = 5
MAX_KEYWORDS = 58
MAX_KEYWORD_OCTETS = 100

_CANONICAL = {name.lower(): name for name in SYSTEM_FLAGS}


def canonical_flag(name: str) -> str:
    """The canonical spelling of a system flag; a keyword comes back as it is."""
    return _CANONICAL.get(name.lower(), name)


def flag_names(mask: int, keywords: tuple[str, ...]) -> tuple[str, ...]:
    """The names behind *mask*, system flags first; a bit without a name is left out."""
    system = tuple(name for name, bit in SYSTEM_FLAGS.items() if mask & bit)
    rest = mask >> FIRST_KEYWORD_BIT
    return system + tuple(word for i, word in enumerate(keywords) if word and rest >> i & 1)


class FlagChange(enum.Enum):
    """What STORE does with the flags it is given (RFC 9051 6.4.6)."""

    REPLACE = "FLAGS"
    ADD = "+FLAGS"
    REMOVE = "-FLAGS"

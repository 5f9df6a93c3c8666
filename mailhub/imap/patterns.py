"""LIST's patterns: ``*`` matches anything, ``%`` anything within a level.  RFC 9051 6.3.9.

Matching takes time proportional to the name, whatever the pattern: each character of the name
moves a set of places in the pattern, held as the bits of an integer.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict

from mailhub.model.names import INBOX, MAX_NAME_OCTETS, SEPARATOR

_WILDCARDS = re.compile(r"[*%]+")
_MAX_LENGTH = 2 * MAX_NAME_OCTETS


class Pattern:
    """A canonical pattern: reference and mailbox argument joined."""

    def __init__(self, text: str) -> None:
        text = unicodedata.normalize("NFC", text)
        # A run of wildcards means what its strongest member means.
        text = _WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", text)
        self.ends_with_level = text.endswith("%")
        """Names that exist only as parents are wanted too (9051 6.3.9)."""
        self.plain = not _WILDCARDS.search(text)
        # Longer than any name can need: matches nothing (9051 6.3.9: silently ignored).
        self._text = text if len(text) <= _MAX_LENGTH else None
        self._places = _Places(text if self._text is not None else "")
        self._places_of_inbox = _Places(_fold_first_level(text) if self._text is not None else "")

    def matches(self, name: str) -> bool:
        if self._text is None:
            return False
        if self._text == "*":
            return True
        if self._text == "%":
            return SEPARATOR not in name
        if name.partition(SEPARATOR)[0] == INBOX:  # in any case (9051 5.1)
            return self._places_of_inbox.match(name)
        return self._text == name if self.plain else self._places.match(name)


def _fold_first_level(text: str) -> str:
    """*text* with its first level in upper case, so that it can match INBOX."""
    first, separator, rest = text.partition(SEPARATOR)
    return first.upper() + separator + rest


class _Places:
    """A pattern as a machine: bit *i* of a state means that *i* characters of it are used up."""

    def __init__(self, text: str) -> None:
        literal: defaultdict[str, int] = defaultdict(int)
        star = percent = 0
        size = 0
        for character in text:
            if character == "*":
                star |= 1 << size
            elif character == "%":
                percent |= 1 << size
            else:
                literal[character] |= 1 << size
                size += 1
        self._literal = dict(literal)
        self._star, self._percent = star, percent
        self._end = 1 << size

    def match(self, name: str) -> bool:
        """Wildcards stand *at* places (before the next literal), so they use none themselves."""
        state = 1
        for character in name:
            stay = self._star if character == SEPARATOR else self._star | self._percent
            state = (state & stay) | (state & self._literal.get(character, 0)) << 1
            if not state:
                return False
        return bool(state & self._end)

"""i;unicode-casemap, the way text compares in searches and sorts (RFC 5051).

Each character is titlecased by its simple mapping and then decomposed fully, compatibility
mappings included; equality, order and substring are then those of the code points.  Hangul
syllables stay whole: their decomposition is an algorithm, not a property in UnicodeData.txt,
and a search for one syllable must not find another.  Python's SpecialCasing mappings of several
characters are not simple ones and are left out.
"""

from __future__ import annotations

import unicodedata

_HANGUL_SYLLABLES = range(0xAC00, 0xD7A4)
_REMEMBERED = 0x10000
"""Characters that map to themselves are remembered below this, which bounds the table."""


class _Casemap(dict[int, str]):
    """Code point to what it becomes, filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        titled = character.title()
        mapped = titled if len(titled) == 1 else character
        if ord(mapped) not in _HANGUL_SYLLABLES:
            mapped = unicodedata.normalize("NFKD", mapped)
        if code < _REMEMBERED or mapped != character:
            self[code] = mapped
        return mapped


_TABLE = _Casemap()


def casemap(text: str) -> str:
    """*text* in the form in which two texts are equal when the collation says so."""
    return text.upper() if text.isascii() else text.translate(_TABLE)

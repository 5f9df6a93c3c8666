"""CHARSET of SEARCH: which ones can be searched in, and reading text in them (9051 6.4.4).

US-ASCII and UTF-8 in all spellings (imap-tools writes "utf8"), and whatever text codec Python
knows.  Without CHARSET text is UTF-8, for rev1 as well: clients send raw 8-bit text in quoted
strings, and US-ASCII is a subset.
"""

from __future__ import annotations

from collections.abc import Callable
from encodings import normalize_encoding
from encodings.aliases import aliases

SUPPORTED = ("US-ASCII", "UTF-8")
"""What BADCHARSET suggests; the full list would help nobody."""

# These are no charsets of anybody's text, and punycode takes quadratic time.
_UNFIT = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
_BINARY = {"base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec"}
_KNOWN = (set(aliases) | set(aliases.values())) - _UNFIT - _BINARY - {"zlib_codec"}

Decode = Callable[[bytes], str]


def utf8(text: bytes) -> str:
    return text.decode("utf-8")


def decoder(charset: str) -> Decode | None:
    """How to read text in *charset*, None when it is not supported.

    The decoder raises UnicodeDecodeError.  Unknown names never reach :mod:`codecs`, which would
    remember each of them for ever.
    """
    name = normalize_encoding(charset).lower()
    codec = aliases.get(name, name)
    if not charset.isprintable() or name not in _KNOWN or codec not in _KNOWN:
        return None
    if codec == "ascii":
        return utf8
    return lambda text: text.decode(codec)

"""Bytes to text by the charset that a message names, whatever it names (RFC 2045, RFC 2978).

Never fails: what cannot be decoded becomes U+FFFD, and for a missing, unknown or plainly wrong
name UTF-8 is tried first and Windows-1252 after it, which is what most such mail is in.  Names
come from strangers, so only text codecs of a known shape are looked up; those of Python that are
no charsets (rot13, idna, ...) are unknown here.
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from functools import lru_cache

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+()-]{0,39}").fullmatch
_NOT_CHARSETS = frozenset(
    (
        "idna",
        "punycode",
        "unicode_escape",
        "raw_unicode_escape",
        "undefined",
        "mbcs",
        "oem",
        "utf_8_sig",
    )
)
# Labels that programs write, and what they mean by them; supersets where that is common usage.
_ALIASES = {
    "us-ascii": None,
    "ascii": None,
    "ansi_x3.4-1968": None,
    "unknown-8bit": None,
    "x-unknown": None,
    "default": None,
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "iso-8859-6-e": "iso-8859-6",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "x-euc-jp": "euc-jp",
    "iso-2022-jp": "iso2022_jp_ext",
    "big5": "cp950",
    "windows-874": "cp874",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-windows-1252": "cp1252",
    "unicode-1-1-utf-7": "utf-7",
    "x-unicode-2-0-utf-7": "utf-7",
    "cp-850": "cp850",
    "utf-8": "utf-8",
    "utf8": "utf-8",
}


@lru_cache(512)
def codec_name(charset: str) -> str | None:
    """The name of Python's codec for *charset*; None when it says nothing useful."""
    label = charset.strip().lower()
    if label in _ALIASES:
        return _ALIASES[label]
    if not _NAME(label):
        return None
    try:
        codec = codecs.lookup(label)
    except LookupError:
        return None
    name = codec.name.replace("-", "_")
    # typeshed does not know the attribute that bytes.decode itself goes by.
    is_text = getattr(codec, "_is_text_encoding", False)
    return codec.name if is_text and name not in _NOT_CHARSETS else None


def decode(data: bytes, charset: str = "") -> str:
    """The text of *data*.  Never fails."""
    name = codec_name(charset) if charset else None
    if name is not None:
        with suppress(UnicodeError, ValueError):  # a codec that refuses more than it can replace
            return data.decode(name, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


class TextDecoder:
    """:func:`decode` for text that comes in pieces, with the same result for known charsets.

    A missing or unknown charset is UTF-8 up to the first byte that cannot be, then Windows-1252.
    """

    def __init__(self, charset: str = "") -> None:
        name = codec_name(charset) if charset else None
        self._guessing = name is None
        errors = "strict" if self._guessing else "replace"
        self._decoder = codecs.getincrementaldecoder(name or "utf-8")(errors)

    def feed(self, data: bytes, final: bool = False) -> str:
        held = self._decoder.getstate()[0] if self._guessing else b""
        try:
            return self._decoder.decode(data, final)
        except (UnicodeError, ValueError):
            self._guessing = False
            self._decoder = codecs.getincrementaldecoder("cp1252")("replace")
            return self._decoder.decode(held + data, final)

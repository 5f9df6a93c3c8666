"""Charsets by the names that mail has for them; nothing ever fails."""

from __future__ import annotations

import encodings.aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.mime.charset import TextDecoder, codec_name, decode


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("ä".encode(), "utf-8", "ä"),
        ("ä".encode(), "UTF8", "ä"),
        (b"\xe4", "ISO-8859-1", "ä"),
        (b"\xe4", " latin1 ", "ä"),
        (b"\x93a\x94", "windows-1252", "“a”"),
        ("Привет".encode("koi8-r"), "koi8-r", "Привет"),
        ("Привет".encode("cp1251"), "windows-1251", "Привет"),
        ("你好镕".encode("gb18030"), "gb2312", "你好镕"),
        ("你好".encode("big5"), "big5", "你好"),
        ("こんにちは".encode("iso-2022-jp"), "ISO-2022-JP", "こんにちは"),
        ("①".encode("cp932"), "Shift_JIS", "①"),
        ("한국".encode("cp949"), "ks_c_5601-1987", "한국"),
        ("שלום".encode("iso-8859-8"), "iso-8859-8-i", "שלום"),
        ("ä".encode("utf-16"), "utf-16", "ä"),
        (b"+AOQ-", "utf-7", "ä"),
    ],
)
def test_known_charsets(data: bytes, charset: str, text: str) -> None:
    assert decode(data, charset) == text


@pytest.mark.parametrize(
    "charset",
    ["", "us-ascii", "x-unknown", "nonsense", "rot13", "base64", "idna", "unicode_escape", "../x"]
    + ["a\0b", "ä", "zip", "undefined", "x" * 1000, "encodings.utf_8", "hex", "utf-8-sig"],
)
def test_anything_else_is_utf_8_or_else_windows_1252(charset: str) -> None:
    assert decode("ä€".encode(), charset) == "ä€"
    assert decode(b"\xe4\x80", charset) == "ä€"
    assert decode(b"\x81", charset) == "\ufffd"


@pytest.mark.parametrize(
    "charset", ["utf-8", "iso-2022-jp", "gb18030", "utf-16", "utf-7", "euc-jp"]
)
@given(data=st.binary())
def test_bytes_that_are_not_in_the_charset_are_replaced(charset: str, data: bytes) -> None:
    decode(data, charset)
    decoder = TextDecoder(charset)
    decoder.feed(data)
    decoder.feed(b"", final=True)


@pytest.mark.parametrize("charset", sorted({*encodings.aliases.aliases, "", "koi8-r"}))
def test_every_name_that_python_knows_decodes_anything(charset: str) -> None:
    everything = bytes(range(256)) * 2
    assert isinstance(decode(everything, charset), str)
    decoder = TextDecoder(charset)
    assert isinstance(decoder.feed(everything) + decoder.feed(b"", final=True), str)


TEXT = "Grüße, 你好, Привет, こんにちは"


@pytest.mark.parametrize("charset", ["utf-8", "gb18030", "utf-16-le", "utf-7", "", "nonsense"])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_pieces_give_the_same_text(charset: str, size: int) -> None:
    data = TEXT.encode(codec_name(charset) or "utf-8")
    decoder = TextDecoder(charset)
    pieces = [decoder.feed(data[i : i + size]) for i in range(0, len(data), size)]
    assert "".join(pieces) + decoder.feed(b"", final=True) == TEXT


def test_a_guess_is_given_up_where_it_fails() -> None:
    decoder = TextDecoder()
    data = ["ä".encode(), b"\xc3", b"x", b"\xe4"]
    assert "".join(map(decoder.feed, data)) == "äÃxä"

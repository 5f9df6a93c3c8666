from __future__ import annotations

from contextlib import suppress
from encodings.aliases import aliases

import pytest

from mailhub.imap.search_charsets import decoder


@pytest.mark.parametrize(
    "name",
    [
        "",
        "X-NOSUCH",
        "base64",
        "rot13",
        "hex",
        "zlib",
        "punycode",
        "idna",
        "unicode_escape",
        "undefined",
        "\0",
        "../utf-8",
        "utf-8\r\n",
        "é",
        "x" * 100_000,
    ],
)
def test_names_that_are_no_charsets_are_not_supported(name: str) -> None:
    assert decoder(name) is None


@pytest.mark.parametrize("name", ["UTF-8", "utf-8", "utf8", "UTF8", "US-ASCII", "ascii"])
def test_utf8_and_ascii_have_many_spellings_and_mean_utf8(name: str) -> None:
    decode = decoder(name)

    assert decode is not None
    assert decode("ñ".encode()) == "ñ"


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("ISO-8859-1", b"\xe9", "é"),
        ("iso-8859-15", b"\xa4", "€"),
        ("windows-1252", b"\x80", "€"),
        ("KOI8-R", b"\xcd\xc1\xd4\xd8", "мать"),
        ("GB2312", b"\xc4\xe3", "你"),
        ("Shift_JIS", b"\x82\xa0", "あ"),
        ("ISO-2022-JP", b'\x1b$B$"\x1b(B', "あ"),
        ("UTF-7", b"+AOk-", "é"),
    ],
)
def test_other_charsets_are_read_by_pythons_codecs(name: str, data: bytes, text: str) -> None:
    decode = decoder(name)

    assert decode is not None
    assert decode(data) == text


def test_every_supported_charset_gives_text_or_says_that_it_cannot() -> None:
    for name in aliases:
        decode = decoder(name)
        if decode is None:
            continue
        with suppress(UnicodeDecodeError):
            assert isinstance(decode(bytes(range(256))), str)

"""Encoded words (RFC 2047) and encoded parameters (RFC 2231), well-formed and otherwise."""

from __future__ import annotations

import email.header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.mime.words import decode_parameter, decode_words


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?UTF-8?Q?a_b=5F?= c", "a b_ c"),
        (b"=?utf-8?B?R3LDvMOfZQ==?=", "Grüße"),
        (b"=?utf-8?b?R3LDvMOfZQ?=", "Grüße"),
        (b"=?iso-8859-1?q?a?= =?iso-8859-1?q?b?=", "ab"),
        (b"=?iso-8859-1?q?a?=\t =?utf-8?q?b?=", "ab"),
        (b"=?iso-8859-1?q?a?= x =?utf-8?q?b?=", "a x b"),
        (b"a =?utf-8?q?b?= c", "a b c"),
        (b"=?utf-8*en?q?a?=", "a"),
        (b"=?iso-2022-jp?b?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは"),
        (b"=?koi8-r?b?8NLJ18XU?=", "Привет"),
        (b"=?gb2312?b?xOO6ww==?=", "你好"),
        (b"=?windows-1252?q?=80?=", "€"),
    ],
)
def test_encoded_words(text: bytes, decoded: str) -> None:
    assert decode_words(text) == decoded


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        (b"=?utf-8?q?a=C3?= =?utf-8?q?=A4?=", "aä"),
        (b'"=?utf-8?q?a?=" <x@y>', '"a" <x@y>'),
        (b"x=?utf-8?q?a?=y", "xay"),
        (b"=?utf-8?q?a b?=", "a b"),
        (b"=?utf-8?q?a", "=?utf-8?q?a"),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        (b"=?nonsense?q?=E4?=", "ä"),
        (b"=?rot13?q?abc?=", "abc"),
        (b"=?utf-8?q?=ZZ=?=", "=ZZ"),
        (b"=?utf-8?b?!!?=", ""),
        (b"=?us-ascii?q?=FF?=", "ÿ"),
        (b"=?utf-8?q??=", ""),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"\xe4 =?utf-8?q?=C3=A4?=", "ä ä"),
        (b"=?utf-8?q?a=00=0Ab?=", "a  b"),
        (b"a\x1bb", "a b"),
    ],
)
def test_what_programs_make_of_them(text: bytes, decoded: str) -> None:
    assert decode_words(text) == decoded


@given(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=60))
def test_what_the_standard_library_encodes_is_decoded(text: str) -> None:
    encoded = email.header.Header(text, "utf-8").encode(linesep="\r\n")
    assert decode_words(encoded.replace("\r\n", "").encode()) == text


@pytest.mark.parametrize(
    ("parameters", "value"),
    [
        ([(b"filename", b"a.txt")], "a.txt"),
        ([(b"FileName", b"a.txt")], "a.txt"),
        ([(b"filename*", b"utf-8''%C3%A4.txt")], "ä.txt"),
        ([(b"filename*", b"UTF-8'de'%C3%A4.txt"), (b"filename", b"a.txt")], "ä.txt"),
        ([(b"filename*0", b"a"), (b"filename*1", b"b")], "ab"),
        ([(b"filename*1", b"b"), (b"filename*0", b"a")], "ab"),
        (
            [(b"filename*0*", b"utf-8''a%C3"), (b"filename*1*", b"%A4"), (b"filename*2", b".%41")],
            "aä.%41",
        ),
        ([(b"filename*0", b"a"), (b"filename*2", b"c")], "a"),
        ([(b"filename*", b"no quotes%41")], "no quotesA"),
        ([(b"filename*", b"nonsense''%E4")], "ä"),
        ([(b"filename", b"=?utf-8?q?=C3=A4?=.txt")], "ä.txt"),
        ([(b"filename", b"\xe4")], "ä"),
        ([(b"filename*", b"utf-8''a%00b")], "a b"),
        ([(b"name", b"a.txt")], None),
        ([], None),
    ],
)
def test_parameters(parameters: list[tuple[bytes, bytes]], value: str | None) -> None:
    assert decode_parameter(parameters, b"filename") == value

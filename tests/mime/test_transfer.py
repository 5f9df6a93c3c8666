"""Content-Transfer-Encodings undone in pieces (RFC 2045 6)."""

from __future__ import annotations

import base64
import binascii
import quopri

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailhub.mime.transfer import Decoder, UnknownEncoding, decode

piece_sizes = st.integers(1, 20)


def in_pieces(data: bytes, encoding: str, size: int) -> bytes:
    decoder = Decoder(encoding)
    pieces = [decoder.feed(data[i : i + size]) for i in range(0, len(data), size)]
    return b"".join([*pieces, decoder.finish()])


@pytest.mark.parametrize(
    ("data", "decoded"),
    [
        (b"", b""),
        (b"SGVsbG8=", b"Hello"),
        (b"SGVs\r\nbG8=\r\n", b"Hello"),
        (b"SGVsbG8", b"Hello"),
        (b"SGVsbG8===", b"Hello"),
        (b"SGVsb", b"Hel"),
        (b"S-G*V\0s\xffb G8=", b"Hello"),
        (b"SGVsbG8=SGVsbG8=", b"HelloHello"),
        (b"SGVsbG8=\r\n--\r\nfooter", b"Hello~\x8a-z"),
        (b"=====", b""),
        (b"A", b""),
    ],
)
def test_base64(data: bytes, decoded: bytes) -> None:
    assert decode(data, "base64") == decoded
    assert in_pieces(data, "BASE64", 1) == decoded


@pytest.mark.parametrize(
    ("data", "decoded"),
    [
        (b"", b""),
        (b"a=3Db\r\n", b"a=b\r\n"),
        (b"a=\r\nb=\nc", b"abc"),
        (b"a \t\r\nb \n", b"a\r\nb\n"),
        (b"a=20\r\n", b"a \r\n"),
        (b"a= \r\nb", b"ab"),
        (b"=e4=E4", b"\xe4\xe4"),
        (b"a=ZZ=4", b"a=ZZ=4"),
        (b"a==41", b"a=41"),
        (b"a=", b"a"),
        (b"\0\xff", b"\0\xff"),
    ],
)
def test_quoted_printable(data: bytes, decoded: bytes) -> None:
    assert decode(data, "quoted-printable") == decoded
    assert in_pieces(data, "Quoted-Printable", 1) == decoded


@pytest.mark.parametrize("encoding", ["", "7bit", "8BIT", "binary", " 7bit "])
def test_identity(encoding: str) -> None:
    assert decode(b"a=3D\0\xff", encoding) == b"a=3D\0\xff"


@pytest.mark.parametrize("encoding", ["x-uuencode", "base-64", "utf-8"])
def test_an_encoding_that_is_unknown_is_told(encoding: str) -> None:
    with pytest.raises(UnknownEncoding):
        Decoder(encoding)


@given(st.binary(), piece_sizes)
def test_what_is_encoded_in_base64_comes_back(data: bytes, size: int) -> None:
    assert in_pieces(base64.encodebytes(data), "base64", size) == data


@given(st.binary(), piece_sizes)
def test_what_is_encoded_in_quoted_printable_comes_back(data: bytes, size: int) -> None:
    encoded = quopri.encodestring(data.replace(b"\r", b"").replace(b" ", b""))
    assert in_pieces(encoded, "quoted-printable", size) == quopri.decodestring(encoded)


@example(data=b"\t\n\r\r\n", size=1)
@given(st.binary() | st.text("=A4\r\n \tz").map(str.encode), piece_sizes)
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_pieces_give_what_the_whole_gives(encoding: str, data: bytes, size: int) -> None:
    assert in_pieces(data, encoding, size) == decode(data, encoding)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
@pytest.mark.parametrize("piece", [b"=", b" ", b"=4", b"=\r\n", b"A", b"\n", b" \t"])
def test_long_runs_are_no_trouble(encoding: str, piece: bytes) -> None:
    data = piece * 200_000
    in_pieces(data, encoding, 65_536)


def test_an_endless_line_is_decoded_as_it_comes() -> None:
    decoder = Decoder("quoted-printable")
    decoded = [decoder.feed(b"=41" * 4_000) for _ in range(10)]
    assert all(decoded)
    assert b"".join([*decoded, decoder.finish()]) == b"A" * 40_000
    assert binascii.a2b_qp(b"=41") == b"A"

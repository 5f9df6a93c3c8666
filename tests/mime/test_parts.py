"""Part numbers and the stored table (RFC 9051 6.4.5.1)."""

from __future__ import annotations

import pytest

from mailhub.mime.parts import Part, PartTable
from mailhub.mime.scanner import analyse
from tests.mime.reading import body, crlf, mime_header, part, table

# The example of RFC 9051 6.4.5.1.
COMPLEX = crlf(
    """Subject: outer
Content-Type: multipart/mixed; boundary=a

--a

1: text
--a
Content-Type: application/octet-stream
Content-Transfer-Encoding: BASE64

Mg==
--a
Content-Type: message/rfc822

Subject: three
Content-Type: multipart/mixed; boundary=b

--b

3.1: text
--b
Content-Type: application/octet-stream

3.2: data
--b--
--a
Content-Type: multipart/mixed; boundary=c

--c
Content-Type: image/gif

4.1: image
--c
Content-Type: message/rfc822

Subject: four two
Content-Type: multipart/mixed; boundary=d

--d
Content-Type: text/plain; charset=UTF-8

4.2.1: text
--d
Content-Type: multipart/alternative; boundary=e

--e

4.2.2.1: text
--e
Content-Type: text/richtext

4.2.2.2: text
--e--
--d--
--c--
--a--
"""
)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((1,), b"1: text"),
        ((2,), b"Mg=="),
        ((3, 1), b"3.1: text"),
        ((3, 2), b"3.2: data"),
        ((4, 1), b"4.1: image"),
        ((4, 2, 1), b"4.2.1: text"),
        ((4, 2, 2, 1), b"4.2.2.1: text"),
        ((4, 2, 2, 2), b"4.2.2.2: text"),
    ],
)
def test_parts_have_the_numbers_of_the_example(path: tuple[int, ...], text: bytes) -> None:
    assert body(COMPLEX, *path) == text


@pytest.mark.parametrize(
    "path",
    [(0,), (5,), (1, 1), (2, 1), (3, 0), (3, 3), (4, 1, 1), (4, 2, 3), (4, 2, 2, 2, 1), (-1,)],
)
def test_other_numbers_name_nothing(path: tuple[int, ...]) -> None:
    assert table(COMPLEX).find(path) is None


def test_only_messages_have_a_header_of_their_own() -> None:
    message = part(COMPLEX, 4, 2)
    assert message.is_message
    start = message.body_offset
    header = COMPLEX[start : start + message.header_octets]
    assert header.startswith(b"Subject: four two\r\n")
    assert header.endswith(b"boundary=d\r\n\r\n")
    assert part(COMPLEX, 4).header_octets == part(COMPLEX, 1).header_octets == 0


def test_mime_headers_come_with_their_empty_line() -> None:
    assert mime_header(COMPLEX, 4, 1) == b"Content-Type: image/gif\r\n\r\n"
    assert mime_header(COMPLEX, 1) == b"\r\n"


def test_a_message_without_multiparts_has_a_part_1() -> None:
    data = crlf("Subject: x\n\nbody\n")
    assert body(data, 1) == b"body\r\n"
    assert mime_header(data, 1) == b"Subject: x\r\n\r\n"
    assert table(data).find((2,)) is None
    assert table(data).find((1, 1)) is None


def test_a_message_inside_a_message_counts_the_same_way() -> None:
    data = crlf("Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nA: b\n\nx\n")
    assert body(data, 1).startswith(b"Content-Type")
    assert body(data, 1, 1) == b"A: b\r\n\r\nx\r\n"
    assert body(data, 1, 1, 1) == b"x\r\n"
    assert table(data).find((1, 1, 1, 1)) is None


def test_the_whole_message_is_the_empty_path() -> None:
    root = part(COMPLEX)
    assert root.is_multipart
    assert (root.mime_offset, root.body_offset + root.body_octets) == (0, len(COMPLEX))


def test_parts_tell_what_decoding_needs() -> None:
    found = part(COMPLEX, 2)
    assert (found.media, found.charset, found.encoding) == (
        "application/octet-stream",
        "",
        "base64",
    )
    assert part(COMPLEX, 4, 2, 1).charset == "utf-8"
    assert part(COMPLEX, 1).charset == "us-ascii"


def test_walking_goes_in_the_order_of_the_message() -> None:
    offsets = [found.mime_offset for found in part(COMPLEX).walk()]
    assert offsets == sorted(offsets)
    assert len(offsets) == 15


def test_joining_all_that_lies_between_gives_the_message() -> None:
    assert rejoined(COMPLEX, part(COMPLEX)) == COMPLEX


def rejoined(data: bytes, found: Part) -> bytes:
    """The part put together from its header, its parts and what lies around them."""
    pieces, position = [], found.body_offset
    for child in found.children:
        pieces += [data[position : child.mime_offset], rejoined(data, child)]
        position = child.body_offset + child.body_octets
    end = found.body_offset + found.body_octets
    header = data[found.mime_offset : found.body_offset]
    return b"".join([header, *pieces, data[position:end]])


@pytest.mark.parametrize("blob", [b"", b"\0", b"\x02abc"])
def test_a_blob_of_another_version_is_refused(blob: bytes) -> None:
    with pytest.raises(ValueError, match="version"):
        PartTable.decode(blob)


def test_the_table_is_compact() -> None:
    assert len(analyse(crlf("Subject: x\n\nbody\n")).parts) < 40

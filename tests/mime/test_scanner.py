"""Malformed and unusual mail, with the exact structure that FETCH answers for it.

Structures are written as ``("text" "plain" ... octets lines)`` without extension data.
"""

from __future__ import annotations

import tracemalloc

import pytest

from mailhub.mime.scanner import Scanner, analyse
from mailhub.mime.structure import without_extensions
from tests.mime.reading import analyse_in_pieces, body, crlf, mime_header, part

PLAIN = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit"'


def structure(data: bytes) -> str:
    return without_extensions(analyse(data).bodystructure).decode("latin-1")


def mixed(text: str, boundary: str = "b") -> bytes:
    return crlf(f"Content-Type: multipart/mixed; boundary={boundary}\n\n{text}")


@pytest.mark.parametrize(
    ("data", "header", "expected"),
    [
        pytest.param(b"", 0, f"{PLAIN} 0 0)", id="nothing at all"),
        pytest.param(b"\r\n", 2, f"{PLAIN} 0 0)", id="an empty line"),
        pytest.param(b"\r\nHello\r\n", 2, f"{PLAIN} 7 1)", id="no header"),
        pytest.param(b"\nHello\n", 1, f"{PLAIN} 6 1)", id="no header, bare LF"),
        pytest.param(b"Subject: x", 10, f"{PLAIN} 0 0)", id="no line break"),
        pytest.param(b"Subject: x\r\n", 12, f"{PLAIN} 0 0)", id="no empty line"),
        pytest.param(b"Hello there\r\nyou\r\n", 18, f"{PLAIN} 0 0)", id="text, no empty line"),
        pytest.param(b"Hello there\r\n\r\nyou\r\n", 15, f"{PLAIN} 5 1)", id="text for a header"),
        pytest.param(b"Subject: x\r\n \r\n\r\ny", 17, f"{PLAIN} 1 0)", id="a line of a space"),
        pytest.param(b"a: b\n\nx\n", 6, f"{PLAIN} 2 1)", id="bare LF"),
        pytest.param(b"a: b\r\n\nx\n", 7, f"{PLAIN} 2 1)", id="CRLF, then bare LF"),
        pytest.param(b"a: b\n\r\nx\n", 7, f"{PLAIN} 2 1)", id="bare LF, then CRLF"),
        pytest.param(b"a: b\r\r\r\nx", 9, f"{PLAIN} 0 0)", id="bare CR ends no line"),
        pytest.param(b"a: b\r\n\r\n\0\0\r\n", 8, f"{PLAIN} 4 1)", id="NULs in the body"),
        pytest.param(b"a: b\r\n\r\nx\ry\r\n", 8, f"{PLAIN} 5 1)", id="bare CR in the body"),
        pytest.param(b"From me Mon Feb  7\r\na: b\r\n\r\nx", 28, f"{PLAIN} 1 0)", id="mbox line"),
    ],
)
def test_header_and_body(data: bytes, header: int, expected: str) -> None:
    analysis = analyse(data)
    assert analysis.header_octets == header
    assert analysis.size == len(data)
    assert structure(data) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("A: b", f"{PLAIN} 4 1)", id="no Content-Type"),
        pytest.param("Content-Type:", f"{PLAIN} 4 1)", id="empty"),
        pytest.param("Content-Type: text", f"{PLAIN} 4 1)", id="no subtype"),
        pytest.param("Content-Type: text/", f"{PLAIN} 4 1)", id="empty subtype"),
        pytest.param("Content-Type: /plain", f"{PLAIN} 4 1)", id="no type"),
        pytest.param("Content-Type: =?utf-8?q?text/plain?=", f"{PLAIN} 4 1)", id="encoded word"),
        pytest.param(
            "Content-Type: TEXT/Plain", '("TEXT" "Plain" NIL NIL NIL "7bit" 4 1)', id="its case"
        ),
        pytest.param(
            'Content-Type: text/plain; charset="no\\"ne',
            '("text" "plain" ("charset" "no\\"ne") NIL NIL "7bit" 4 1)',
            id="quote that nothing closes",
        ),
        pytest.param(
            "Content-Type: text/plain charset=utf-8",
            '("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 4 1)',
            id="no semicolon",
        ),
        pytest.param(
            "Content-Type: text/plain; charset=a;;; x; =y; name=my file(1).txt (x)",
            '("text" "plain" ("charset" "a" "name" "my file(1).txt") NIL NIL "7bit" 4 1)',
            id="half parameters, comment",
        ),
        pytest.param(
            "Content-Type: image/png; name=caf\xe9.png",
            '("image" "png" ("name" {8}\r\ncaf\xe9.png) NIL NIL "7bit" 4)',
            id="8-bit file name",
        ),
        pytest.param(
            "Content-Type: image/png; name*0*=utf-8''%C3%A4; name*1=.png",
            '("image" "png" ("name*0*" "utf-8\'\'%C3%A4" "name*1" ".png") NIL NIL "7bit" 4)',
            id="RFC 2231 stays as it is",
        ),
        pytest.param(
            "Content-Type: image/png\nContent-Transfer-Encoding: Base64 (x)\n"
            "Content-ID: <1@x>\nContent-Description: a\\b",
            '("image" "png" NIL "<1@x>" "a\\\\b" "Base64" 4)',
            id="id, description, encoding",
        ),
        pytest.param("Content-Transfer-Encoding:  ", f"{PLAIN} 4 1)", id="empty transfer encoding"),
        pytest.param(
            "Content-Type: multipart/mixed", f"{PLAIN} 4 1)", id="multipart without boundary"
        ),
        pytest.param(
            'Content-Type: multipart/mixed; boundary=""', f"{PLAIN} 4 1)", id="empty boundary"
        ),
        pytest.param(
            f"Content-Type: multipart/mixed; boundary={'b' * 501}", f"{PLAIN} 4 1)", id="too long"
        ),
        pytest.param(
            "Content-Type: multipart/mixed; boundary=b", f"{PLAIN} 4 1)", id="multipart, no parts"
        ),
        pytest.param(
            "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64",
            '("application" "octet-stream" NIL NIL NIL "base64" 4)',
            id="an encoded message is a file",
        ),
        pytest.param(
            "Content-Type: message/external-body; access-type=x",
            '("message" "external-body" ("access-type" "x") NIL NIL "7bit" 4)',
            id="other messages are not looked into",
        ),
        pytest.param(
            "Content-Type: image/png\nContent-Type: text/html",
            '("image" "png" NIL NIL NIL "7bit" 4)',
            id="the first of two counts",
        ),
    ],
)
def test_the_content_fields_of_a_leaf(content: str, expected: str) -> None:
    assert structure(crlf(f"{content}\n\nHi\n")) == expected


TWO = f'({PLAIN} 1 0){PLAIN} 1 0) "mixed")'
ONE = f'({PLAIN} 1 0) "mixed")'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("--b\n\n1\n--b\n\n2\n--b--\n", TWO, id="as it should be"),
        pytest.param("pre\n--b\n\n1\n--b\n\n2\n--b--\nepi\n--b\n\n3", TWO, id="after the end"),
        pytest.param("--b  \t\n\n1\n--b\t\n\n2\n--b-- \n", TWO, id="white space after boundaries"),
        pytest.param("--b\n\n1\n--b\n\n2", TWO, id="no closing boundary"),
        pytest.param("--b\n\n1\n--b--", ONE, id="no line break at the end"),
        pytest.param("--b\n\n1\n--b", f'({PLAIN} 1 0){PLAIN} 0 0) "mixed")', id="ends at once"),
        pytest.param("--b\n\n1\n--b\n", f'({PLAIN} 1 0){PLAIN} 0 0) "mixed")', id="ends soon"),
        pytest.param(
            "--b\n1\n--b\n2\n--b--", f'({PLAIN} 0 0){PLAIN} 0 0) "mixed")', id="headers only"
        ),
        pytest.param("--b\n\n--b--\n", f'({PLAIN} 0 0) "mixed")', id="an empty part"),
        pytest.param("--b\n--b--\n", f'({PLAIN} 0 0) "mixed")', id="no header, no body"),
        pytest.param("--b\n\n\n--b--\n", f'({PLAIN} 0 0) "mixed")', id="an empty body"),
        pytest.param(
            "--b\n\n--\n-- \n--bb\n--b-\n --b\n--b x\n--b--\n",
            f'({PLAIN} 32 5) "mixed")',
            id="nearly",
        ),
        pytest.param("--b--\n--b\n\n1\n--b--", f"{PLAIN} 22 4)", id="closed before it is opened"),
        pytest.param("x--b\n\n1\n", f"{PLAIN} 11 3)", id="boundary not at the line start"),
    ],
)
def test_boundary_lines(text: str, expected: str) -> None:
    assert structure(mixed(text)) == expected


@pytest.mark.parametrize(
    ("spaces", "expected"),
    [
        pytest.param(998, TWO, id="1000 octets with LF"),
        pytest.param(999, f'({PLAIN} 1007 3) "mixed")', id="1001"),
        pytest.param(5000, f'({PLAIN} 5008 3) "mixed")', id="many"),
    ],
)
def test_a_boundary_line_has_at_most_1000_octets(spaces: int, expected: str) -> None:
    data = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n1\n--b" + b" " * spaces + b"\n\n2"
    assert structure(data) == expected
    assert analyse_in_pieces(data, [3]) == analyse(data)


def test_the_line_break_before_a_boundary_is_not_the_parts() -> None:
    data = mixed("--b\n\none\n\n--b\n\ntwo\n--b--\n")
    assert body(data, 1) == b"one\r\n"
    assert body(data, 2) == b"two"


def test_a_part_without_a_body_keeps_the_empty_line_in_its_header() -> None:
    data = mixed("--b\nA: 1\n\n--b\nB: 2\n--b--\n")
    assert mime_header(data, 1) == b"A: 1\r\n\r\n"
    assert mime_header(data, 2) == b"B: 2"
    assert body(data, 1) == body(data, 2) == b""


def test_an_inner_multipart_ends_where_the_outer_one_goes_on() -> None:
    inner = "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\n1\n"
    data = mixed(inner + "--b\n\n2\n--c\n\n3\n--b--\n")
    assert structure(data) == (f'(({PLAIN} 1 0) "mixed"){PLAIN} 11 3) "mixed")')
    assert body(data, 1, 1) == b"1"
    assert body(data, 2) == b"2\r\n--c\r\n\r\n3"


def test_of_equal_boundaries_the_inner_one_is_meant_until_it_is_closed() -> None:
    inner = "--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n1\n--b--\nepilogue\n"
    assert structure(mixed(inner + "--b\n\n2\n--b--\n")) == (
        f'(({PLAIN} 1 0) "mixed"){PLAIN} 1 0) "mixed")'
    )


def test_a_boundary_may_begin_like_another() -> None:
    inner = "--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\n1\n--bb--\n"
    assert structure(mixed(inner + "--b\n\n2\n--b--\n")) == (
        f'(({PLAIN} 1 0) "mixed"){PLAIN} 1 0) "mixed")'
    )


def test_a_folded_boundary_is_unfolded() -> None:
    data = crlf('Content-Type: multipart/mixed; boundary="a\n b"\n\n--a b\n\n1\n--a b--\n')
    assert structure(data) == ONE


def test_parts_of_a_digest_are_messages_unless_they_say_otherwise() -> None:
    data = crlf(
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\nbody\n"
        "--b\nContent-Type: text/plain\n\nx\n--b--\n"
    )
    nils = "NIL NIL NIL NIL NIL NIL NIL NIL"
    assert structure(data) == (
        f'(("message" "rfc822" NIL NIL NIL "7bit" 20 (NIL "one" {nils}) {PLAIN} 4 0) 2)'
        '("text" "plain" NIL NIL NIL "7bit" 1 0) "digest")'
    )
    assert body(data, 1) == b"Subject: one\r\n\r\nbody"
    assert body(data, 1, 1) == b"body"


def test_a_message_cut_off_in_its_header_is_still_a_message() -> None:
    data = mixed("--b\nContent-Type: message/rfc822\n--b--\n")
    nils = "NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL"
    assert structure(data) == (
        f'(("message" "rfc822" NIL NIL NIL "7bit" 0 ({nils}) {PLAIN} 0 0) 0) "mixed")'
    )
    assert part(data, 1).header_octets == 0


def test_a_message_inside_ends_with_its_part() -> None:
    inner = "Subject: in\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\n1\n"
    data = mixed(f"--b\nContent-Type: message/rfc822\n\n{inner}--b\n\n2\n--b--\n")
    assert body(data, 1, 1) == b"1"
    assert body(data, 2) == b"2"


@pytest.mark.parametrize("kind", ["message/rfc822", "message/global", "MESSAGE/RFC822"])
def test_a_message_as_the_whole_body_has_its_own_parts(kind: str) -> None:
    data = crlf(f"Content-Type: {kind}\n\nSubject: in\n\nHello\n")
    assert body(data, 1) == b"Subject: in\r\n\r\nHello\r\n"
    assert part(data, 1).header_octets == 15
    assert body(data, 1, 1) == b"Hello\r\n"


def test_extension_data_comes_last() -> None:
    data = crlf(
        "Content-Type: image/png\nContent-MD5: Q2h\nContent-Disposition: inline; filename=a\n"
        "Content-Language: de, en\nContent-Location: http://x.example/\n a\n\nx"
    )
    assert analyse(data).bodystructure == (
        b'("image" "png" NIL NIL NIL "7bit" 1 "Q2h" ("inline" ("filename" "a")) ("de" "en")'
        b' "http://x.example/a")'
    )


def test_extension_data_of_a_multipart() -> None:
    data = crlf(
        "Content-Type: multipart/mixed; boundary=b\nContent-Disposition: inline\n"
        "Content-Language: de\n\n--b\n\n1\n--b--\n"
    )
    assert analyse(data).bodystructure.endswith(
        b' "mixed" ("boundary" "b") ("inline" NIL) "de" NIL)'
    )


def test_text_that_no_quoted_string_may_hold_is_a_literal() -> None:
    long = "x" * 1001
    data = crlf(f"Subject: {long}\nMessage-ID: a\0b\nDate: a\rb\nIn-Reply-To: \xe9\n\n")
    assert analyse(data).envelope == (
        b'("a b" {1001}\r\n%b NIL NIL NIL NIL NIL NIL {1}\r\n\xe9 "a?b")' % long.encode()
    )


def test_one_octet_at_a_time_gives_the_same() -> None:
    inner = "Content-Type: message/rfc822\n\nSubject: x\n\nbody\n"
    data = mixed(f"pre\n--b\n{inner}--b\n\n" + "-- \n--x" * 300 + "\n--b--\nepi\n")
    assert analyse_in_pieces(data, [1]) == analyse(data)


@pytest.mark.parametrize(
    "piece", [b"x" * 65_536, b"x\r\n" * 20_000, b"\n--x" * 16_000, b"\n--" * 20_000]
)
def test_memory_does_not_grow_with_the_body(piece: bytes) -> None:
    scanner = Scanner()
    scanner.feed(mixed("--b\n\n"))
    tracemalloc.start()
    for _ in range(15):
        scanner.feed(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * len(piece)
    assert scanner.finish().size > 15 * len(piece)

"""What is true of every message, however broken."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhub.mime import tree
from mailhub.mime.casemap import casemap
from mailhub.mime.parts import Part, PartTable
from mailhub.mime.prepend import prepended
from mailhub.mime.scanner import analyse
from mailhub.mime.searchtext import body_contains, header_contains, text_contains
from mailhub.mime.structure import without_extensions
from tests.mime import imap_grammar
from tests.mime.reading import analyse_in_pieces

PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b":",
    b";",
    b'"',
    b"\\",
    b"(",
    b")",
    b"<",
    b">",
    b"@",
    b",",
    b"=",
    b"\xff",
    b"\xc3\xa4",
    b"a",
    b"--",
    b"--b",
    b"--b--",
    b"--bb",
    b"--b \t",
    b"\r\n--b\r\n",
    b"\r\n--b--\r\n",
    b"\n--bb\n",
    b"\n--bb--\n",
    b"\r\n\r\n",
    b"\n\n",
    b"From: a@b, Foo (x) <c@d>\r\n",
    b"To: group: a@b, c;\r\n",
    b"Subject: Re: =?utf-8?q?=C3=A4?= =?x?b?w6Q?=\r\n",
    b"Date: Mon, 7 Feb 2022 21:52:25 -0800\r\n",
    b"Message-ID: <x@y>\r\n",
    b"References: <a@b> <c@d>\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b'Content-Type: multipart/digest; boundary="bb"\n',
    b"Content-Type: multipart/mixed; boundary=b--\r\n",
    b"Content-Type: multipart/mixed\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Type: message/global\r\n",
    b"Content-Type: text/html; charset=utf-8\r\n",
    b"Content-Type: text/plain; charset=utf-16; name*0*=utf-8''%E4; name*1=b\r\n",
    b"Content-Type: image/png",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Disposition: attachment; filename=\xe4\r\n",
    b"Content-Language: de, en\r\n",
    b"Content-Location: http://x/ y\r\n",
    b"Content-ID: <a>\r\n",
    b"<p>&amp;</p><style>",
    b"SGVsbG8=",
]
broken_mail = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)
any_mail = broken_mail | st.binary(max_size=300)


@given(any_mail)
@settings(max_examples=400, deadline=None)
def test_envelope_and_structure_are_always_valid_imap(data: bytes) -> None:
    analysis = analyse(data)
    imap_grammar.envelope(analysis.envelope)
    imap_grammar.bodystructure(analysis.bodystructure)
    imap_grammar.bodystructure(without_extensions(analysis.bodystructure), extensions=False)


@given(any_mail, st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(1, 60))
@settings(max_examples=400, deadline=None)
def test_pieces_give_what_the_whole_gives(data: bytes, sizes: list[int], slices: int) -> None:
    assert analyse_in_pieces(data, sizes, slices) == analyse(data)


@given(any_mail)
@settings(max_examples=300, deadline=None)
def test_every_part_lies_inside_the_part_around_it(data: bytes) -> None:
    analysis = analyse(data)
    root = PartTable.decode(analysis.parts).root
    assert analysis.size == len(data)
    assert root.mime_offset == 0
    assert root.mime_octets == analysis.header_octets
    assert root.mime_octets + root.body_octets == len(data)
    for part in root.walk():
        check_children(part)
        body = data[part.body_offset : part.body_offset + part.body_octets]
        assert part.lines == body.count(b"\n")


def check_children(part: Part) -> None:
    position = part.body_offset
    for child in part.children:
        assert child.mime_offset >= position
        position = child.body_offset + child.body_octets
    assert position <= part.body_offset + part.body_octets
    if part.is_message:
        (message,) = part.children
        assert message.mime_offset == part.body_offset
        assert message.mime_octets + message.body_octets == part.body_octets


@given(any_mail)
@settings(max_examples=200, deadline=None)
def test_between_parts_are_only_boundary_lines_preamble_and_epilogue(data: bytes) -> None:
    root = PartTable.decode(analyse(data).parts).root
    for part in root.walk():
        for before, after in zip(part.children, part.children[1:], strict=False):
            between = data[before.body_offset + before.body_octets : after.mime_offset]
            assert re.fullmatch(rb"\r?\n?--[^\n]*\n", between), between


@given(any_mail)
@settings(max_examples=200, deadline=None)
def test_texts_for_the_store_hold_nothing_a_database_would_choke_on(data: bytes) -> None:
    analysis = analyse(data)
    texts = (
        *(getattr(analysis, name) for name in ("preview", "message_id", "subject", "from_")),
        *(analysis.to, analysis.cc, analysis.sort_from, analysis.display_from),
        *(analysis.base_subject, *analysis.references),
    )
    for text in texts:
        assert "\0" not in text
        text.encode("utf-8")
    assert len(analysis.preview) <= 200


@given(any_mail, st.sampled_from(["", "x", "ä", "a@b"]))
@settings(max_examples=200, deadline=None)
def test_searching_never_fails(data: bytes, needle: str) -> None:
    parts = PartTable.decode(analyse(data).parts)
    sought = casemap(needle)

    def read(offset: int, octets: int) -> bytes:
        return data[offset : offset + min(octets, 7)]

    in_body = body_contains(parts, read, sought)
    assert not (in_body and not text_contains(parts, read, sought))
    header_contains(data, "From", sought)


@given(
    any_mail, st.sampled_from([b"Received: by x\r\n", b"Return-Path: <>\r\nReceived: a\r\n\tb\r\n"])
)
@settings(max_examples=300, deadline=None)
def test_trace_fields_change_nothing_but_places(data: bytes, prefix: bytes) -> None:
    assert prepended(analyse(data), prefix) == analyse(prefix + data)


@pytest.mark.parametrize("piece", PIECES)
def test_long_runs_of_anything_are_no_trouble(piece: bytes) -> None:
    for start in (b"", b"From: ", b"Subject: ", b"Content-Type: text/plain; x=", b"Date: Mon"):
        data = start + piece * (60_000 // len(piece)) + b"\r\n\r\nbody"
        analysis = analyse(data)
        imap_grammar.envelope(analysis.envelope)
        assert analysis.size == len(data)


def nested(levels: int, kind: str) -> bytes:
    text = "".join(
        f"Content-Type: {kind}; boundary=b{i}\r\n\r\n"
        + (f"--b{i}\r\n" if kind.startswith("multipart") else "")
        for i in range(levels)
    )
    return text.encode() + b"\r\nHello\r\n"


@pytest.mark.parametrize("kind", ["multipart/mixed", "message/rfc822"])
@pytest.mark.parametrize("levels", [tree.MAX_DEPTH - 1, tree.MAX_DEPTH, 1000])
def test_nesting_ends_in_one_opaque_part(kind: str, levels: int) -> None:
    data = nested(levels, kind)
    analysis = analyse(data)
    body = imap_grammar.bodystructure(analysis.bodystructure)
    depth = 0
    leaf = body
    while isinstance(leaf[0], list) or leaf[0] == b"message":
        leaf = leaf[0] if isinstance(leaf[0], list) else leaf[8]
        depth += 1
    assert depth == min(levels, tree.MAX_DEPTH)
    assert leaf[0] == (b"application" if levels > tree.MAX_DEPTH else b"text")


def test_the_part_that_would_be_too_many_holds_the_rest() -> None:
    data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 6000
    root = PartTable.decode(analyse(data).parts).root
    assert len(root.children) == tree.MAX_PARTS - 1
    assert {child.body_octets for child in root.children[:-1]} == {1}
    last = root.children[-1]
    assert last.media == "application/octet-stream"
    assert last.body_offset + last.body_octets == len(data)


@pytest.mark.parametrize("line", [b"x" * 998, b"x" * 2_000_000, b"A: b"])
@pytest.mark.parametrize("slice_octets", [1000, 1 << 30])
def test_an_endless_header_ends_at_the_limit(line: bytes, slice_octets: int) -> None:
    lines = (line + b"\r\n") * (1_000_000 // len(line) + 1)
    data = b"Subject: x\r\n" + lines
    analysis = analyse_in_pieces(data, [len(data)], slice_octets)
    assert analysis.header_octets <= tree.MAX_HEADER_OCTETS
    assert analysis.header_octets > tree.MAX_HEADER_OCTETS - 1000 or len(line) > 1000
    assert analysis.subject == "x"
    assert analysis == analyse_in_pieces(data, [70_001], 1)

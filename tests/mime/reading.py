"""What the tests of the scanner share: writing messages, cutting parts out of them."""

from __future__ import annotations

from mailhub.mime.analysis import Analysis
from mailhub.mime.parts import Part, PartTable
from mailhub.mime.scanner import Scanner, analyse


def crlf(text: str) -> bytes:
    """A message as it is on the wire; every character is one octet."""
    return text.replace("\n", "\r\n").encode("latin-1")


def table(data: bytes) -> PartTable:
    return PartTable.decode(analyse(data).parts)


def part(data: bytes, *path: int) -> Part:
    found = table(data).find(path)
    assert found is not None
    return found


def body(data: bytes, *path: int) -> bytes:
    """BODY[path]"""
    found = part(data, *path)
    return data[found.body_offset : found.body_offset + found.body_octets]


def mime_header(data: bytes, *path: int) -> bytes:
    """BODY[path.MIME]"""
    found = part(data, *path)
    return data[found.mime_offset : found.mime_offset + found.mime_octets]


def analyse_in_pieces(data: bytes, sizes: list[int], slice_octets: int = 1) -> Analysis:
    """The analysis when *data* comes in pieces of these sizes, over and over."""
    scanner = Scanner(slice_octets)
    position = turn = 0
    while position < len(data):
        size = sizes[turn % len(sizes)]
        scanner.feed(data[position : position + size])
        position += size
        turn += 1
    return scanner.finish()

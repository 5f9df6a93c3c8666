"""HEADER.FIELDS and HEADER.FIELDS.NOT, byte for byte (RFC 9051 6.4.5.1)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhub.mime.fields import select_fields, select_from_many
from mailhub.mime.scanner import analyse
from tests.mime.test_properties import broken_mail

HEADER = (
    b"From: a@example.org\r\nTO : b@example.org\r\nSubject:a\r\n folded\r\n\tline\r\n"
    b"X-From: no\r\nfrom: again\r\nReceived: x\r\n\r\n"
)


def names(*wanted: bytes) -> frozenset[bytes]:
    return frozenset(wanted)


@pytest.mark.parametrize(
    ("wanted", "selected"),
    [
        pytest.param(
            names(b"from"), b"From: a@example.org\r\nfrom: again\r\n\r\n", id="all of a name"
        ),
        pytest.param(names(b"SUBJECT"), b"Subject:a\r\n folded\r\n\tline\r\n\r\n", id="folded"),
        pytest.param(names(b"to"), b"TO : b@example.org\r\n\r\n", id="space before the colon"),
        pytest.param(names(b"subjec"), b"\r\n", id="a prefix is another name"),
        pytest.param(names(b"folded"), b"\r\n", id="a continuation is no field"),
        pytest.param(names(b"x.from"), b"\r\n", id="no character stands for others"),
        pytest.param(names(), b"\r\n", id="no names"),
        pytest.param(
            names(b"to", b"from", b"received"),
            b"From: a@example.org\r\nTO : b@example.org\r\nfrom: again\r\nReceived: x\r\n\r\n",
            id="in the order of the header",
        ),
    ],
)
def test_fields_come_as_they_are_with_the_empty_line(
    wanted: frozenset[bytes], selected: bytes
) -> None:
    assert select_fields(HEADER, wanted) == selected


def test_what_is_not_excluded_comes_as_it_is() -> None:
    assert select_fields(HEADER, names(b"from", b"Subject"), exclude=True) == (
        b"TO : b@example.org\r\nX-From: no\r\nReceived: x\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("header", "selected", "others"),
    [
        pytest.param(b"", b"", b"", id="nothing"),
        pytest.param(b"\r\n", b"\r\n", b"\r\n", id="only the empty line"),
        pytest.param(b"\n", b"\n", b"\n", id="only a bare LF"),
        pytest.param(b"a: 1\nb: 2\n\n", b"a: 1\n\n", b"b: 2\n\n", id="bare LF"),
        pytest.param(b"a: 1\r\nb: 2\r\n", b"a: 1\r\n", b"b: 2\r\n", id="no empty line"),
        pytest.param(b"b: 2\r\na: 1", b"a: 1", b"b: 2\r\n", id="no last line break"),
        pytest.param(b"a: 1\r\nb: 2", b"a: 1\r\n", b"b: 2", id="no last line break elsewhere"),
        pytest.param(b"a: 1\r\na: 1", b"a: 1\r\na: 1", b"", id="the last like one before"),
        pytest.param(
            b"no field\r\na:\r\n\r\n", b"a:\r\n\r\n", b"no field\r\n\r\n", id="stray line"
        ),
        pytest.param(b"a\r\n\r\n", b"\r\n", b"a\r\n\r\n", id="a name without a colon"),
        pytest.param(b"a: 1\rb: 2\r\n\r\n", b"a: 1\rb: 2\r\n\r\n", b"\r\n", id="bare CR"),
    ],
)
def test_odd_headers(header: bytes, selected: bytes, others: bytes) -> None:
    assert select_fields(header, names(b"a")) == selected
    assert select_fields(header, names(b"a"), exclude=True) == others


def line_by_line(header: bytes, wanted: frozenset[bytes], exclude: bool) -> bytes:
    """The same, slowly: fields are what starts in column one."""
    lines = header.split(b"\n")
    lines = [line + b"\n" for line in lines[:-1]] + [line for line in lines[-1:] if line]
    empty = lines.pop() if lines and lines[-1] in (b"\n", b"\r\n") else b""
    kept, keeping = [], exclude
    for i, line in enumerate(lines):
        if i == 0 or line[:1] not in (b" ", b"\t"):
            name, colon, _ = line.partition(b":")
            name = name.rstrip(b" \t").lower()
            named = bool(colon) and name in wanted
            keeping = named != exclude
        if keeping:
            kept.append(line)
    return b"".join(kept) + empty


@given(broken_mail, st.sets(st.sampled_from([b"from", b"subject", b"content-type"])), st.booleans())
@settings(max_examples=400, deadline=None)
def test_selection_is_that_of_a_reader_line_by_line(
    data: bytes, wanted: set[bytes], exclude: bool
) -> None:
    header = data[: analyse(data).header_octets]
    expected = line_by_line(header, frozenset(wanted), exclude)
    assert select_fields(header, frozenset(wanted), exclude) == expected


@given(st.lists(broken_mail, max_size=3))
def test_many_headers_are_selected_from_as_each_alone(messages: list[bytes]) -> None:
    headers = [m[: analyse(m).header_octets] for m in messages]
    headers += [b"", b"\r\n", b"\n", b"To: a", b"To: a\r\n", b"X: y\r\n\r\n", b"To: a\n b\n\r\n"]
    for names in (frozenset((b"to", b"subject")), frozenset[bytes]()):
        assert select_from_many(headers, names) == [select_fields(h, names) for h in headers]

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.pop3.wire import (
    MAX_REPLY,
    DotStuffer,
    LineCounter,
    LineReader,
    SyntaxRefused,
    TooLong,
    err,
    numbers,
    ok,
    parse_command,
)

LIMIT = 8
TEXT = st.lists(
    st.sampled_from([b"\r\n", b"\n", b"\r", b".", b"..", b"a", b"\0", b"\r\n.\r\n", b"bcdefgh"])
).map(b"".join)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]


def lines_of(pieces: list[bytes]) -> list[bytes | TooLong]:
    reader = LineReader(LIMIT)
    found = []
    for piece in pieces:
        reader.feed(piece)
        while (line := reader.next()) is not None:
            found.append(line)
    return found


def stuffed(pieces: list[bytes]) -> bytes:
    stuffer = DotStuffer()
    return b"".join(stuffer.feed(piece) for piece in pieces) + stuffer.finish()


# --- lines


@given(TEXT, st.lists(st.integers(0, 100)))
def test_however_the_bytes_are_cut_the_lines_are_the_same(data: bytes, places: list[int]) -> None:
    assert lines_of(cut(data, places)) == lines_of([data])


@given(TEXT)
def test_lines_are_what_lies_between_line_feeds(data: bytes) -> None:
    lines = data.split(b"\n")[:-1]

    assert lines_of([data]) == [
        TooLong() if len(line) > LIMIT else line.removesuffix(b"\r") for line in lines
    ]


def test_an_endless_line_takes_no_memory() -> None:
    reader = LineReader(LIMIT)
    for _ in range(1000):
        reader.feed(b"x" * LIMIT)
        assert reader.next() is None

    assert len(reader._buffer) <= LIMIT
    reader.feed(b"\r\nQUIT\r\n")
    assert [reader.next(), reader.next()] == [TooLong(), b"QUIT"]


def test_what_came_before_tls_is_forgotten() -> None:
    reader = LineReader()
    reader.feed(b"NOOP\r\nUSE")
    reader.clear()
    reader.feed(b"QUIT\r\n")

    assert reader.next() == b"QUIT"


# --- dot-stuffing


@given(TEXT, st.lists(st.integers(0, 100)))
def test_however_a_message_is_cut_the_same_octets_are_sent(data: bytes, places: list[int]) -> None:
    assert stuffed(cut(data, places)) == stuffed([data])


@given(TEXT)
def test_byte_by_byte_is_the_same_as_at_once(data: bytes) -> None:
    assert stuffed([bytes([octet]) for octet in data]) == stuffed([data])


@given(st.lists(st.sampled_from([b"", b".", b"..", b".a", b"a", b"a.b"])))
def test_a_proper_text_comes_out_octet_by_octet(lines: list[bytes]) -> None:
    text = b"".join(line + b"\r\n" for line in lines)

    sent = stuffed([text])

    assert sent.endswith(b".\r\n")
    assert re.sub(rb"(^|\r\n)\.", rb"\1", sent[:-3]) == text


@given(TEXT)
def test_no_reader_of_lines_sees_an_end_before_the_end(data: bytes) -> None:
    sent = stuffed([data])

    for end in (b"\r\n", b"\n"):
        assert [line.rstrip(b"\r") for line in sent.split(end)].index(b".") == sent.count(end) - 1


@given(TEXT)
def test_a_reader_of_lines_gets_as_many_octets_as_were_stored(data: bytes) -> None:
    sent = stuffed([data])

    lines = sent.split(b"\n")[:-2]
    text = b"\n".join(line.removeprefix(b".") for line in lines)
    text += b"\n" if lines else b""
    assert text.removesuffix(
        b"" if data.endswith(b"\r\n") or not data else b"\r\n"
    ) == data.replace(b"\0", b"\x80")


def test_nul_is_not_sent_and_changes_no_count() -> None:  # 2449 3
    assert stuffed([b"a\0b\r\n"]) == b"a\x80b\r\n.\r\n"


def test_a_message_without_final_crlf_gets_one_before_the_dot() -> None:
    assert stuffed([b"abc"]) == b"abc\r\n.\r\n"
    assert stuffed([b"abc\n"]) == b"abc\n\r\n.\r\n"
    assert stuffed([b""]) == b".\r\n"


# --- TOP


@given(TEXT, st.integers(0, 5), st.lists(st.integers(0, 100)))
def test_the_first_lines_are_the_first_lines(data: bytes, lines: int, places: list[int]) -> None:
    counter = LineCounter(lines)

    given_out = b"".join(counter.feed(piece) for piece in cut(data, places))

    assert given_out == b"".join(re.findall(rb"[^\n]*\n|[^\n]+\Z", data)[:lines])


# --- commands and replies


@given(st.binary(max_size=60))
def test_any_line_is_a_command_or_refused(line: bytes) -> None:
    with contextlib.suppress(SyntaxRefused):
        command = parse_command(line)
        assert command.name == command.name.upper()


def test_an_argument_is_kept_byte_for_byte() -> None:
    command = parse_command(b"pass  two  spaces ")

    assert (command.name, command.argument) == ("PASS", b" two  spaces ")


@pytest.mark.parametrize("argument", [b"", b"1 2 3", b"x", b"-1", b"+1", b"1x", b"1" * 11, b"\xb2"])
def test_bad_numbers_are_refused(argument: bytes) -> None:
    with pytest.raises(SyntaxRefused):
        numbers(argument, 1, 2)


def test_numbers_are_read_whatever_the_spaces() -> None:
    assert numbers(b" 1  002 ", 1, 2) == (1, 2)


@given(st.text(), st.sampled_from(["", "SYS/TEMP"]))
def test_a_reply_is_one_line_of_at_most_512_octets(text: str, code: str) -> None:
    for line in (ok(text), err(text, code)):
        assert line.endswith(b"\r\n")
        assert line.count(b"\n") == line.count(b"\r") == 1
        assert len(line) <= MAX_REPLY
        line.decode("utf-8")


def test_replies_look_as_they_should() -> None:
    assert ok() == b"+OK\r\n"
    assert ok("fine") == b"+OK fine\r\n"
    assert err("no") == b"-ERR no\r\n"
    assert err("wait", "IN-USE") == b"-ERR [IN-USE] wait\r\n"

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.lmtp.wire import (
    MAX_LINE,
    BadLine,
    End,
    Event,
    Framer,
    Line,
    Octets,
    Refused,
    Reply,
    parse_chunk,
    parse_command,
)


def drive(pieces: list[bytes]) -> list[Event]:
    """Commands; the line DATA starts a message, ``BDAT n`` a chunk.  Adjacent octets are joined."""
    framer = Framer()
    events: list[Event] = []
    for piece in pieces:
        framer.feed(piece)
        while (event := framer.next()) is not None:
            if isinstance(event, Octets) and events and isinstance(last := events[-1], Octets):
                events.pop()
                event = Octets(last.data + event.data)
            events.append(event)
            if event == Line(b"DATA"):
                framer.start_data()
            elif isinstance(event, Line) and (chunk := re.fullmatch(rb"BDAT (\d+)", event.data)):
                framer.start_chunk(int(chunk[1]))
    return events


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]


NASTY = st.lists(
    st.sampled_from(
        [
            b"\r\n",
            b"\n",
            b"\r",
            b".",
            b"\r\n.\r\n",
            b"DATA\r\n",
            b"BDAT 3\r\n",
            b"x",
            b"\0",
            b"QUIT",
        ]
    )
).map(b"".join)


@given(NASTY, st.lists(st.integers(0, 200)))
def test_however_the_bytes_are_cut_the_events_are_the_same(data: bytes, places: list[int]) -> None:
    assert drive(cut(data, places)) == drive([data])


@given(NASTY)
def test_byte_by_byte_is_the_same_as_at_once(data: bytes) -> None:
    assert drive([bytes([octet]) for octet in data]) == drive([data])


@given(st.lists(st.sampled_from([b".", b"..", b"a", b"\n", b"\r", b"", b".b"])))
def test_a_stuffed_text_comes_out_as_it_was(lines: list[bytes]) -> None:
    text = b"".join(line + b"\r\n" for line in lines)
    stuffed = re.sub(rb"(^|\r\n)\.", rb"\1..", text)

    events = drive([b"DATA\r\n" + stuffed + b".\r\nQUIT\r\n"])

    message = [Octets(text)] if text else []
    assert events == [Line(b"DATA"), *message, End(), Line(b"QUIT")]


@pytest.mark.parametrize(
    "impostor",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r.\r",
        b"\r\n.\n",
        b"\r\n.\r",
        b"\r.\r\n",
        b"\r\n.\0\r\n",
        b"\r\n\0.\r\n",
    ],
)
def test_nothing_but_crlf_dot_crlf_ends_a_message(impostor: bytes) -> None:  # 5321 4.1.1.4
    events = drive([b"DATA\r\na" + impostor + b"b\r\n.\r\n"])

    unstuffed = re.sub(rb"\r\n\.", b"\r\n", impostor)
    assert events == [Line(b"DATA"), Octets(b"a" + unstuffed + b"b\r\n"), End()]


def test_a_message_may_be_empty() -> None:
    assert drive([b"DATA\r\n.\r\n"]) == [Line(b"DATA"), End()]


def test_a_chunk_is_counted_and_not_read() -> None:
    events = drive([b"BDAT 9\r\n\r\n.\r\nQUITQUIT\r\n"])

    assert events == [Line(b"BDAT 9"), Octets(b"\r\n.\r\nQUIT"), End(), Line(b"QUIT")]


@pytest.mark.parametrize(
    "line", [b"NOOP\n", b"NO\rOP\r\n", b"NO\0OP\r\n", b"N" * MAX_LINE + b"\r\n"]
)
def test_a_line_that_is_none_is_refused_once_and_the_next_is_heard(line: bytes) -> None:
    first, second = drive([line + b"QUIT\r\n"])

    assert isinstance(first, BadLine)
    assert second == Line(b"QUIT")


def test_an_endless_line_takes_no_memory() -> None:
    framer = Framer()
    for _ in range(1000):
        framer.feed(b"x" * MAX_LINE)
        assert framer.next() is None

    assert len(framer._buffer) <= MAX_LINE


def test_what_came_before_tls_is_forgotten() -> None:
    framer = Framer()
    framer.feed(b"NOOP\r\nMAIL FR")
    framer.clear()
    framer.feed(b"QUIT\r\n")

    assert framer.next() == Line(b"QUIT")


@given(st.binary(max_size=60))
def test_any_line_is_a_command_or_refused(line: bytes) -> None:
    with contextlib.suppress(Refused):
        verb, _ = parse_command(line)
        assert verb == verb.upper()


def test_a_verb_counts_in_any_case_and_its_argument_as_it_is() -> None:
    assert parse_command(b"mAiL FROM:<A@b>") == ("MAIL", "FROM:<A@b>")


@pytest.mark.parametrize("argument", ["", "x", "-1", "1x", "٣", "1" * 21])
def test_a_bad_chunk_size_is_refused(argument: str) -> None:
    with pytest.raises(Refused):
        parse_chunk(argument)


@pytest.mark.parametrize(
    ("argument", "chunk"),
    [("0 last", (0, "LAST")), ("12", (12, "")), ("7 LAST", (7, "LAST")), ("1  late", (1, "LATE"))],
)
def test_a_chunk_has_a_size_and_perhaps_a_word(argument: str, chunk: tuple[int, str]) -> None:
    assert parse_chunk(argument) == chunk


@given(st.lists(st.text(), min_size=1))
def test_a_reply_stays_a_reply_whatever_its_text(lines: list[str]) -> None:
    encoded = Reply(250, "2.0.0", lines).encode()

    on_the_wire = encoded.decode().split("\r\n")
    assert on_the_wire.pop() == ""
    assert len(on_the_wire) == len(lines)
    assert all(line.startswith("250-2.0.0 ") for line in on_the_wire[:-1])
    assert on_the_wire[-1].startswith("250 2.0.0 ")

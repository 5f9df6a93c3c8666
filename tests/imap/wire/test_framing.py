"""Bytes in any pieces to the same commands; limits; nothing left behind to be run as a command."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.imap.wire.dropping import announced_literal
from mailhub.imap.wire.events import (
    Abandoned,
    CommandReady,
    CommandRefused,
    ContinuationWanted,
    Event,
    Framed,
    Hopeless,
    MessageAnnounced,
)
from mailhub.imap.wire.framing import Framer, FramingLimits

LIMITS = FramingLimits(max_line=100, max_literal=50, max_command=200, max_skipped=400)


@dataclass(frozen=True)
class Message:
    """Stands for the octets of a message that was taken."""

    octets: bytes


def is_message(framed: Framed) -> bool:
    return b"APPEND" in framed.text


class Feeder:
    """Feeds pieces and answers announcements; every third message is abandoned."""

    def __init__(self, limits: FramingLimits = LIMITS) -> None:
        self.framer = Framer(limits, is_message)
        self.events: list[Event | Message] = []
        self._message: bytes | None = None
        self._announced = 0

    def feed(self, data: bytes) -> list[Event | Message]:
        self.framer.feed(data)
        before = len(self.events)
        while self._step():
            pass
        return self.events[before:]

    def _step(self) -> bool:
        if self._message is not None:
            while self.framer.remaining and (piece := self.framer.piece()):
                self._message += piece
            if self.framer.remaining:
                return False
            self.events.append(Message(self._message))
            self._message = None
        event = self.framer.next_command()
        if event is None or (isinstance(event, Hopeless) and event in self.events):
            return False
        self.events.append(event)
        if isinstance(event, MessageAnnounced):
            self._announced += 1
            if self._announced % 3 == 0:
                self.framer.abandon()
            else:
                self.framer.take()
                self._message = b""
        return True


def frame(data: bytes, limits: FramingLimits = LIMITS) -> list[Event | Message]:
    return Feeder(limits).feed(data)


def texts(events: list[Event | Message]) -> list[bytes]:
    return [event.command.text for event in events if isinstance(event, CommandReady)]


# --- malformed -------------------------------------------------------------------------------


def test_a_line_that_is_too_long_is_refused_with_its_beginning() -> None:
    [refused, ready] = frame(b"a1 " + b"x" * 200 + b"\r\nb NOOP\r\n")

    assert isinstance(refused, CommandRefused)
    assert refused.command.text.startswith(b"a1 xxx")
    assert "line" in refused.reason
    assert ready == CommandReady(Framed(b"b NOOP"))


def test_a_line_of_just_the_limit_is_taken() -> None:
    line = b"a " + b"x" * 98

    assert texts(frame(line + b"\r\nb NOOP\r\n")) == [line, b"b NOOP"]


def test_an_endless_line_ends_the_connection() -> None:
    assert frame(b"x" * 1000) == [Hopeless("Too much data")]


def test_a_literal_that_is_too_long_is_not_asked_for() -> None:
    events = frame(b"a LOGIN {51}\r\nb NOOP\r\n")

    assert isinstance(events[0], CommandRefused)
    assert events[1:] == [CommandReady(Framed(b"b NOOP"))]


def test_a_literal_that_is_too_long_and_does_not_wait_is_dropped_with_its_command() -> None:
    events = frame(
        b"a LOGIN {60+}\r\n" + b"x NOOP\r\n" * 7 + b"abcd {3+}\r\nabc rest\r\nb NOOP\r\n"
    )

    assert [type(event) for event in events] == [CommandRefused, CommandReady]
    assert texts(events) == [b"b NOOP"]


def test_a_dropped_command_ends_where_the_client_would_wait() -> None:
    events = frame(b"a LOGIN {60+}\r\n" + b"x" * 60 + b" {5}\r\nb NOOP\r\n")

    assert texts(events) == [b"b NOOP"]


def test_a_literal_announced_by_a_line_that_is_too_long_is_dropped_as_well() -> None:
    events = frame(b"a " + b"x" * 200 + b" {8+}\r\nc NOOP\r\n\r\nb NOOP\r\n")

    assert texts(events) == [b"b NOOP"]


def test_a_literal_too_large_to_be_dropped_ends_the_connection() -> None:
    assert frame(b"a LOGIN {401+}\r\n") == [Hopeless("Too much data")]


def test_a_line_that_ends_but_is_far_too_long_ends_the_connection() -> None:
    assert frame(b"x" * 401 + b"\r\n") == [Hopeless("Too much data")]


def test_what_follows_a_refused_line_counts_as_well() -> None:
    assert frame(b"a X {60+}\r\n" + b"x" * 60 + b"y" * 341 + b"\r\n") == [Hopeless("Too much data")]


@pytest.mark.parametrize("digits", ["9" * 19, "9" * 50])
def test_absurd_sizes_end_the_connection(digits: str) -> None:
    assert frame(f"a LOGIN {{{digits}+}}\r\n".encode()) == [Hopeless("Too much data")]


def test_many_literals_make_a_command_too_long() -> None:
    events = frame(
        b"a X {40+}\r\n" + (b"y" * 40 + b" {40+}\r\n") * 10 + b"z" * 40 + b"\r\nb NOOP\r\n"
    )

    assert isinstance(events[0], CommandRefused | Hopeless)


def test_many_empty_literals_are_refused() -> None:
    limits = FramingLimits(max_line=100, max_literal=50, max_command=10_000, max_skipped=10_000)

    events = frame(b"a X" + b" {0+}\r\n" * 300 + b"\r\nb NOOP\r\n", limits)

    assert isinstance(events[0], CommandRefused)
    assert texts(events) == [b"b NOOP"]


@pytest.mark.parametrize(
    "hello", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n\x16\x03\x01", b"\x16"]
)
def test_tls_on_a_plain_port_is_recognised(hello: bytes) -> None:
    [event] = frame(hello)

    assert isinstance(event, Hopeless)
    assert "TLS" in event.reason


def test_a_web_browser_is_turned_away() -> None:
    [event] = frame(b"POST / HTTP/1.1\r\nHost: x\r\n\r\na LOGIN b c\r\n")

    assert isinstance(event, Hopeless)


def test_hopeless_stays_hopeless() -> None:
    framer = Framer(LIMITS, is_message)
    framer.feed(b"\x16")
    first = framer.next_command()
    framer.feed(b"a NOOP\r\n")

    assert framer.next_command() == first
    assert not framer.buffered


# --- well-formed -----------------------------------------------------------------------------


def test_commands_in_one_segment_come_one_by_one() -> None:
    assert texts(frame(b"a NOOP\r\nb NOOP\r\n")) == [b"a NOOP", b"b NOOP"]


@pytest.mark.parametrize("stray", [b"\r\n", b"\n", b"\r\n\r\n\r\n"])
def test_stray_line_ends_before_a_tag_are_forgiven(stray: bytes) -> None:
    assert texts(frame(stray + b"a NOOP\r\n" + stray + b"b NOOP\r\n")) == [b"a NOOP", b"b NOOP"]


def test_a_bare_line_feed_ends_a_line() -> None:
    assert texts(frame(b"a NOOP\nb NOOP\n")) == [b"a NOOP", b"b NOOP"]


def test_a_synchronising_literal_is_asked_for() -> None:
    assert frame(b"a LOGIN {5}\r\nalice secret\r\n") == [
        ContinuationWanted(),
        CommandReady(Framed(b"a LOGIN {5}\r\n secret", (b"alice",))),
    ]


def test_a_non_synchronising_literal_is_not_asked_for() -> None:
    assert frame(b"a LOGIN {5+}\r\nalice {6+}\r\nsecret\r\n") == [
        CommandReady(Framed(b"a LOGIN {5+}\r\n {6+}\r\n", (b"alice", b"secret")))
    ]


def test_an_empty_literal_is_a_literal() -> None:
    assert frame(b"a X {0+}\r\n\r\n") == [CommandReady(Framed(b"a X {0+}\r\n", (b"",)))]


def test_line_ends_in_a_literal_end_nothing() -> None:
    [event] = frame(b"a X {8+}\r\nb NOOP\r\n\r\n")

    assert event == CommandReady(Framed(b"a X {8+}\r\n", (b"b NOOP\r\n",)))


def test_a_message_is_handed_on_in_pieces_and_the_rest_is_a_text_of_its_own() -> None:
    events = frame(b"a APPEND b {300+}\r\n" + b"x" * 300 + b" (\\Seen) {2+}\r\nyz\r\nb NOOP\r\n")

    assert isinstance(events[0], MessageAnnounced)
    assert events[0].command.text == b"a APPEND b {300+}\r\n"
    assert events[1] == Message(b"x" * 300)
    assert isinstance(events[2], MessageAnnounced)
    assert events[2].command.text == b" (\\Seen) {2+}\r\n"
    assert events[3:] == [
        Message(b"yz"),
        CommandReady(Framed(b"")),
        CommandReady(Framed(b"b NOOP")),
    ]


def test_an_empty_message_is_a_message() -> None:
    events = frame(b"a APPEND b {0+}\r\n\r\nb NOOP\r\n")

    assert events[1:] == [
        Message(b""),
        CommandReady(Framed(b"")),
        CommandReady(Framed(b"b NOOP")),
    ]


def abandoned(data: bytes, *, after: int) -> list[Event]:
    """Feed *data*, abandon the first message when *after* of its octets have been read."""
    framer = Framer(LIMITS, is_message)
    framer.feed(data)
    assert isinstance(framer.next_command(), MessageAnnounced)
    if after:
        framer.take()
        read = 0
        while read < after:
            read += len(framer.piece())
    framer.abandon()
    events = []
    while (event := framer.next_command()) is not None:
        events.append(event)
    return events


@pytest.mark.parametrize("after", [0, 20])
def test_an_abandoned_message_that_does_not_wait_is_dropped(after: int) -> None:
    events = abandoned(
        b"a APPEND x {20+}\r\n" + b"c NOOP\r\n" * 2 + b"1234" + b" {4+}\r\nd \r\n\r\nb NOOP\r\n",
        after=after,
    )

    assert events == [Abandoned(), CommandReady(Framed(b"b NOOP"))]


def test_an_abandoned_message_that_waits_is_over_at_once() -> None:
    assert abandoned(b"a APPEND x {20}\r\nb NOOP\r\n", after=0) == [
        Abandoned(),
        CommandReady(Framed(b"b NOOP")),
    ]


def test_what_is_buffered_can_be_dropped() -> None:
    framer = Framer(LIMITS, is_message)
    framer.feed(b"a STARTTLS\r\nb LOGIN x y\r\nc")
    assert isinstance(framer.next_command(), CommandReady)

    assert framer.forget() == 14
    assert framer.next_command() is None
    framer.feed(b"d NOOP\r\n")
    assert framer.next_command() == CommandReady(Framed(b"d NOOP"))


def test_lines_are_given_bare_between_commands() -> None:
    framer = Framer(LIMITS, is_message)
    framer.feed(b"a IDLE\r\nDONE\r\nb NOOP\r\n")

    assert framer.next_command() == CommandReady(Framed(b"a IDLE"))
    assert framer.next_line() == b"DONE"
    assert framer.next_command() == CommandReady(Framed(b"b NOOP"))
    assert framer.next_line() is None


def test_a_bare_line_that_is_too_long_ends_the_connection() -> None:
    framer = Framer(LIMITS, is_message)
    framer.feed(b"x" * 102)

    assert isinstance(framer.next_line(), Hopeless)


@pytest.mark.parametrize("line", [b"{5}x", b"{}", b"{5 }", b"{-1}", b"{5-}", b"x{5", b"5}"])
def test_what_only_looks_like_a_literal_is_text(line: bytes) -> None:
    assert announced_literal(b"a X " + line) is None


# --- properties ------------------------------------------------------------------------------

SNIPPETS = st.sampled_from(
    [
        b"a NOOP\r\n",
        b"b LOGIN {5}\r\n",
        b"c X {3+}\r\n",
        b"d APPEND x {7+}\r\n",
        b"e APPEND x {6}\r\n",
        b" {60+}\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"{",
        b"}",
        b"~{4}\r\n",
        b"{99999+}\r\n",
        b"y" * 40,
        b"z" * 120,
        b"GET / HTTP/1.0\r\n",
        b"\x16\x03",
    ]
)
STREAM = st.lists(st.one_of(SNIPPETS, st.binary(max_size=20)), max_size=30).map(b"".join)


@given(STREAM, st.lists(st.integers(1, 60), max_size=200))
def test_the_cut_of_the_bytes_makes_no_difference(data: bytes, cuts: list[int]) -> None:
    whole = Feeder()
    whole.feed(data)
    cut = Feeder()
    position = 0
    for size in cuts:
        cut.feed(data[position : position + size])
        position += size
    cut.feed(data[position:])

    assert cut.events == whole.events


@given(STREAM)
def test_octet_by_octet_is_the_same_as_at_once(data: bytes) -> None:
    single = Feeder()
    for octet in data:
        single.feed(bytes([octet]))

    assert single.events == frame(data)


@given(STREAM, st.integers(1, 100))
def test_memory_stays_within_the_limits(data: bytes, size: int) -> None:
    feeder = Feeder()
    for start in range(0, len(data), size):
        feeder.feed(data[start : start + size])

        assert feeder.framer.buffered <= LIMITS.max_line + LIMITS.max_literal + size


@given(st.lists(st.binary(max_size=50).filter(lambda b: b"\n" not in b), min_size=1, max_size=4))
def test_literals_come_back_as_they_were_sent(literals: list[bytes]) -> None:
    data = b"a X" + b"".join(b" {%d+}\r\n%b" % (len(each), each) for each in literals) + b"\r\n"
    limits = FramingLimits(1000, 1000, 100_000, 100_000)

    [event] = frame(data, limits)

    assert isinstance(event, CommandReady)
    assert event.command.literals == tuple(literals)

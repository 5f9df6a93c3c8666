"""The flight recorder: what it keeps, and how much."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailhub.net.recorder import IDLE_OCTETS, FlightRecorder
from tests.net.world import World


def recorder(limit: int = 16 * 1024) -> FlightRecorder:
    times = iter(range(100_000))
    return FlightRecorder(lambda: float(next(times)), limit)


def test_the_dialogue_is_kept_with_times_and_directions() -> None:
    record = recorder()
    record.sent(b"* OK ready\r\n")
    record.received(b"a1 LOGIN alice ***\r\n")

    assert record.text() == "1.000 S: * OK ready\n2.000 C: a1 LOGIN alice ***\n"


def test_old_dialogue_makes_room_line_by_line() -> None:
    record = recorder(1000)
    for number in range(200):
        record.received(b"command %d" % number)
    lines = record.text().splitlines()

    assert 900 < record.octets <= 1250
    assert lines[-1].endswith("command 199")
    assert all(" C: command " in line for line in lines)


def test_the_middle_of_a_long_piece_is_left_out() -> None:
    record = recorder()
    record.sent(b"<" + b"x" * 100_000 + b">")

    assert record.octets < 1200
    assert "... 98978 octets ..." in record.text()
    assert record.text().startswith("1.000 S: <xxx")
    assert record.text().endswith("xxx>\n")


def test_a_recorder_that_is_switched_off_keeps_nothing() -> None:
    record = recorder(0)
    record.sent(b"x")
    record.received(b"x")

    assert record.text() == ""


@given(st.lists(st.binary(max_size=3000)), st.integers(1, 5000))
def test_memory_is_bounded_whatever_is_said(pieces: list[bytes], limit: int) -> None:
    record = recorder(limit)
    for piece in pieces:
        record.received(piece)
        assert record.octets <= max(limit + limit // 4, 1)
    record.shrink()
    assert record.octets <= IDLE_OCTETS
    record.text().encode()


def test_the_record_of_an_idle_connection_shrinks() -> None:
    world = World(login_timeout=100_000.0)
    story, _ = world.connect()
    for _ in range(100):
        story.recorder.received(b"x" * 200)
    world.clock.advance(29)
    assert story.recorder.octets > 16_000
    world.clock.advance(1)
    assert story.recorder.octets <= IDLE_OCTETS

    for _ in range(100):
        story.dataReceived(b"awake again")
        story.recorder.received(b"x" * 200)
    world.clock.advance(30)
    assert story.recorder.octets <= IDLE_OCTETS
    assert world.clock.getDelayedCalls() != []


def test_the_record_is_found_by_the_connections_id() -> None:
    world = World()
    story, _ = world.connect()
    story.recorder.received(b"NOOP")

    assert world.host.connections.dump(story.client.connection) == "0.000 C: NOOP\n"
    assert world.host.connections.dump("nobody") is None

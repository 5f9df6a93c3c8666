"""Connections: hooks, coalescing, limits, timeouts, back-pressure, tasks, and the end."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError, Deferred

from tests.events import Events
from tests.net.world import Story, World


def test_a_client_is_greeted_and_heard() -> None:
    story, transport = World().connect()
    story.dataReceived(b"one")
    story.dataReceived(b"two")

    assert story.story == ["greeted", b"one", b"two"]
    assert transport.value() == b"hello\r\n"


def test_the_client_is_known_by_address_and_port() -> None:
    story, _ = World().connect(address="::ffff:192.0.2.7")

    assert (story.client.address, story.client.port) == ("192.0.2.7", 4711)
    assert not story.client.trusted
    assert not story.secure


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", ""])
def test_a_client_on_this_machine_is_trusted(address: str) -> None:
    story, _ = World().connect(address=address)

    assert story.client.trusted


def test_connections_have_different_ids() -> None:
    world = World()

    assert len({world.connect()[0].client.connection for _ in range(100)}) == 100


# --- output ---


def test_what_is_written_in_one_step_leaves_as_one_write() -> None:
    class Chatty(Story):
        def received(self, data: bytes) -> None:
            for _ in range(5):
                self.write(b"x")
            self.write_many([b"y", b"z"])

    writes: list[bytes] = []
    story, transport = World().connect(kind=Chatty)
    transport.write = writes.append  # type: ignore[method-assign]
    story.dataReceived(b"go")

    assert writes == [b"xxxxxyz"]


def test_what_a_coroutine_writes_between_two_waits_leaves_as_one_write() -> None:
    writes: list[bytes] = []
    waiting: Deferred[bytes] = Deferred()

    async def talk() -> None:
        story.write(b"a")
        story.write(b"b")
        answer = await waiting
        story.write(answer)
        story.write(b"d")

    story, transport = World().connect()
    transport.write = writes.append  # type: ignore[method-assign]
    story.spawn(talk())
    assert writes == [b"ab"]

    waiting.callback(b"c")
    assert writes == [b"ab", b"cd"]


def test_what_is_written_out_of_turn_leaves_in_the_next_turn() -> None:
    world = World()
    story, transport = world.connect()
    transport.clear()
    story.write(b"news ")
    story.write(b"from elsewhere")
    assert transport.value() == b""

    world.clock.advance(0)
    assert transport.value() == b"news from elsewhere"


def test_large_output_does_not_wait_for_the_end_of_the_step() -> None:
    story, transport = World().connect()
    transport.clear()
    outermost = story._output.cork()
    story.write(b"x" * 70_000)
    assert len(transport.value()) == 70_000
    story._output.uncork(outermost)


def test_nothing_is_written_after_close() -> None:
    story, transport = World().connect()
    transport.clear()
    story.write(b"bye")
    story.close()
    story.write(b"more")

    assert transport.value() == b"bye"
    assert transport.disconnecting


def test_ready_returns_at_once_while_the_slice_is_young() -> None:
    story, transport = World().connect()
    story.spawn(slices(story, 5))

    assert transport.value() == b"hello\r\n" + b"slice" * 5


def test_ready_gives_others_a_turn_when_the_slice_is_old() -> None:
    world = World()
    order: list[str] = []

    async def answer(story: Story, name: str) -> None:
        for _ in range(3):
            order.append(name)
            world.clock.rightNow += 0.004
            await story.ready()

    for name in ("a", "b"):
        story, _ = world.connect()
        story.spawn(answer(story, name))
    world.clock.advance(0)

    assert order == ["a", "b", "a", "b", "a", "b"]


def test_a_long_answer_waits_while_the_client_does_not_read() -> None:
    world = World()
    story, transport = world.connect()
    transport.clear()
    transport.producer.pauseProducing()
    story.spawn(slices(story, 3))
    world.clock.advance(1)
    assert transport.value() == b""

    transport.producer.resumeProducing()
    world.clock.advance(0)
    assert transport.value() == b"slice" * 3


def test_a_client_that_reads_nothing_is_not_listened_to() -> None:
    story, transport = World().connect()
    transport.producer.pauseProducing()
    story.dataReceived(b"more requests")
    assert story.story == ["greeted"]
    assert transport.producerState == "paused"

    transport.producer.resumeProducing()
    assert story.story == ["greeted", b"more requests"]
    assert transport.producerState == "producing"


def test_a_client_that_reads_nothing_for_long_is_cut_off(events: Events) -> None:
    world = World(write_timeout=300.0, login_timeout=100_000.0)
    story, transport = world.connect()
    transport.producer.pauseProducing()
    world.clock.advance(299)
    assert not transport.disconnecting

    world.clock.advance(1)
    assert transport.disconnected
    assert events.names() == ["connection.opened", "connection.stuck"]


def test_a_client_that_reads_slowly_is_not_cut_off() -> None:
    world = World(write_timeout=300.0, login_timeout=100_000.0)
    story, transport = world.connect()
    transport.dataBuffer = b"x" * 1000
    transport.producer.pauseProducing()
    for _ in range(9):
        transport.dataBuffer = transport.dataBuffer[100:]
        world.clock.advance(300)
        assert not transport.disconnecting

    world.clock.advance(300)
    assert transport.disconnected


async def slices(story: Story, count: int) -> None:
    for _ in range(count):
        await story.ready()
        story.write(b"slice")


# --- input ---


def test_input_is_kept_while_held_and_the_client_soon_has_to_wait() -> None:
    story, transport = World().connect()
    story.hold()
    assert transport.producerState == "producing"

    story.dataReceived(b"a")
    assert transport.producerState == "paused"
    story.dataReceived(b"b")
    assert story.story == ["greeted"]

    story.resume()
    assert story.story == ["greeted", b"a", b"b"]
    assert transport.producerState == "producing"


def test_holding_again_while_kept_input_is_delivered_keeps_the_rest() -> None:
    class OneAtATime(Story):
        def received(self, data: bytes) -> None:
            super().received(data)
            self.hold()

    story, _ = World().connect(kind=OneAtATime)
    for piece in (b"a", b"b", b"c"):
        story.dataReceived(piece)
    assert story.story == ["greeted", b"a"]
    story.resume()
    assert story.story == ["greeted", b"a", b"b"]


def test_resuming_during_delivery_does_not_recurse() -> None:
    class Eager(Story):
        depth = 0

        def received(self, data: bytes) -> None:
            self.depth += 1
            assert self.depth == 1
            self.hold()
            self.resume()
            super().received(data)
            self.depth -= 1

    story, _ = World().connect(kind=Eager)
    story.hold()
    for _ in range(5000):
        story.dataReceived(b".")
    story.resume()

    assert len(story.story) == 5001


# --- time ---


def test_a_silent_client_is_told_and_disconnected() -> None:
    world = World(login_timeout=100_000.0)
    story, transport = world.connect()
    story.set_timeout(1800.0)
    world.clock.advance(1799)
    story.dataReceived(b"still here")
    world.clock.advance(1799)
    assert not transport.disconnecting

    world.clock.advance(1)
    assert transport.value() == b"hello\r\ntoo slow\r\n"
    assert transport.disconnecting


def test_output_keeps_a_connection_alive() -> None:
    world = World(login_timeout=100_000.0)
    story, transport = world.connect()
    story.set_timeout(60.0)
    for _ in range(10):
        world.clock.advance(59)
        story.write(b"* still going\r\n")
        world.clock.advance(0)

    assert not transport.disconnecting


def test_a_timeout_can_be_taken_back() -> None:
    world = World(login_timeout=100_000.0)
    story, transport = world.connect()
    story.set_timeout(10.0)
    story.set_timeout(None)
    world.clock.advance(1000)

    assert not transport.disconnecting


def test_a_client_that_drips_octets_must_log_in_in_time() -> None:
    world = World(login_timeout=60.0)
    story, transport = world.connect()
    for _ in range(59):
        world.clock.advance(1)
        story.dataReceived(b"x")
    assert not transport.disconnecting

    world.clock.advance(1)
    assert transport.value().endswith(b"too slow\r\n")
    assert transport.disconnecting


def test_a_client_that_has_logged_in_need_not_hurry() -> None:
    world = World(login_timeout=60.0)
    story, transport = world.connect()
    story.logged_in()
    world.clock.advance(1000)

    assert not transport.disconnecting


def test_protocols_without_log_in_do_not_wait_for_it() -> None:
    class Lmtp(Story):
        needs_log_in = False

    world = World(login_timeout=60.0)
    _, transport = world.connect(kind=Lmtp)
    world.clock.advance(1000)

    assert not transport.disconnecting


def test_a_later_call_is_one_step_and_is_not_made_when_closed() -> None:
    world = World()
    story, transport = world.connect()
    transport.clear()

    def speak() -> None:
        story.write(b"later")

    story.call_later(5.0, speak)
    story.call_later(50.0, speak)
    world.clock.advance(5)
    assert transport.value() == b"later"

    story.close()
    world.clock.advance(50)
    assert transport.value() == b"later"


def test_a_closing_connection_is_cut_when_the_client_never_lets_go() -> None:
    world = World()
    story, transport = world.connect()
    story.close()
    world.clock.advance(9)
    assert not transport.disconnected
    world.clock.advance(1)
    assert transport.disconnected


# --- tasks ---


def test_the_result_of_a_coroutine_comes_back() -> None:
    async def work() -> int:
        return 42

    story, _ = World().connect()
    results: list[object] = []
    story.spawn(work()).addCallback(results.append)

    assert results == [42]


def test_coroutines_are_cancelled_when_the_connection_is_lost() -> None:
    cancelled: list[str] = []

    async def wait() -> None:
        try:
            await Deferred()
        except CancelledError:
            cancelled.append("cancelled")
            raise

    world = World()
    story, _ = world.connect()
    story.spawn(wait())
    world.vanish(story)

    assert cancelled == ["cancelled"]
    assert story.story == ["greeted", "disconnected"]


def test_a_coroutine_in_the_midst_of_a_step_is_cancelled_at_its_next_wait() -> None:
    seen: list[str] = []

    async def suicidal() -> None:
        world.vanish(story)
        seen.append("step ended")
        await Deferred()
        seen.append("never")

    world = World()
    story, _ = world.connect()
    story.spawn(suicidal())

    assert seen == ["step ended"]


def test_a_coroutine_can_be_cancelled_by_its_deferred_without_harm() -> None:
    async def wait() -> None:
        await Deferred()

    story, transport = World().connect()
    results: list[object] = []
    task = story.spawn(wait())
    task.addCallback(results.append)
    task.cancel()

    assert results == [None]
    assert not transport.disconnecting


def test_nothing_starts_on_a_lost_connection() -> None:
    started: list[str] = []

    async def work() -> None:
        started.append("started")

    world = World()
    story, _ = world.connect()
    world.vanish(story)
    story.spawn(work())

    assert started == []


async def fail() -> None:
    raise ZeroDivisionError


def test_an_unexpected_exception_ends_the_connection_and_leaves_a_trace(events: Events) -> None:
    story, transport = World().connect()
    story.recorder.received(b"a1 DIVIDE 1 0")
    story.spawn(fail())

    assert transport.value() == b"hello\r\nsorry\r\n"
    assert transport.disconnecting
    crash, dump = events["connection.crashed"], events["session.dump"]
    assert crash["conn"] == dump["conn"] == story.client.connection
    assert crash["log_failure"].check(ZeroDivisionError)
    assert "a1 DIVIDE 1 0" in dump["dialogue"]


def test_an_exception_in_a_hook_ends_the_connection_too(events: Events) -> None:
    class Broken(Story):
        def received(self, data: bytes) -> None:
            raise ZeroDivisionError

    story, transport = World().connect(kind=Broken)
    story.dataReceived(b"x")

    assert transport.disconnecting
    assert "connection.crashed" in events.names()


# --- limits ---


def test_too_many_connections_in_all_are_refused_in_words() -> None:
    world = World(max_connections=2)
    for _ in range(2):
        world.connect()
    story, transport = world.connect()

    assert transport.value() == b"Too many connections to this server, try again later\r\n"
    assert transport.disconnecting
    assert story.story == []


def test_connections_of_one_address_are_counted_apart() -> None:
    world = World(max_connections_per_address=1)
    first, _ = world.connect(address="192.0.2.1")
    world.connect(address="192.0.2.2")
    _, refused = world.connect(address="192.0.2.1")
    assert refused.value() == b"Too many connections from your address 192.0.2.1 (limit 1)\r\n"

    world.vanish(first)
    _, again = world.connect(address="192.0.2.1")
    assert again.value() == b"hello\r\n"


def test_the_administrator_can_end_a_connection() -> None:
    story, transport = World().connect()
    story.end("Closed by the administrator")

    assert transport.value() == b"hello\r\nClosed by the administrator\r\n"
    assert transport.disconnecting


def test_nothing_is_left_behind_by_a_lost_connection() -> None:
    world = World()
    story, transport = world.connect()
    story.set_timeout(100.0)
    story.write(b"x")
    transport.producer.pauseProducing()
    world.vanish(story)

    world.clock.advance(0)
    assert world.clock.getDelayedCalls() == []
    assert len(world.host.connections) == 0
    assert world.host.shared.seats.taken() == 0


def test_tls_on_a_port_without_it_is_told_apart(events: Events) -> None:
    story, transport = World().connect()
    story.dataReceived(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")

    assert transport.disconnected
    assert events.names() == ["connection.opened", "tls.unexpected"]
    assert story.story == ["greeted"]

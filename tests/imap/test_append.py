"""APPEND's messages on their way in: streamed, refused, cut off."""

from __future__ import annotations

import re

import pytest

from mailhub.config.options import Limits
from mailhub.interfaces import IStaging
from mailhub.model.errors import StorageFull
from mailhub.model.names import INBOX
from tests.imap.harness import ImapClient, World
from tests.memory_store import MemoryStaging

BIG = b"Subject: big\r\n\r\n" + b"0123456789abcde\r\n" * 20_000


def kept(world: World) -> list[bytes]:
    """INBOX, as the store has it."""
    return [message.data for message in world.alice.box(INBOX).messages.values()]


def test_a_message_goes_to_the_staging_area_as_it_comes() -> None:
    world = World()
    client = world.connect("alice")
    client.send(f"a APPEND INBOX {{{len(BIG)}}}")

    for start in range(0, len(BIG), 10_000):
        client.send_octets(BIG[start : start + 10_000])
        assert client.protocol._framer.buffered == 0
    assert client.send("") == ["a OK [APPENDUID 1000 1] APPEND completed"]

    assert kept(world) == [BIG]


@pytest.mark.parametrize("octets", [1, 7, 1000, 100_000])
def test_a_message_is_kept_octet_for_octet_however_it_comes(octets: int) -> None:
    world = World()
    client = world.connect("alice")
    data = bytes(range(1, 256)) * 8 + b"\r\n.\r\n\n\r{5+}\r\na NOOP\r\n"
    command = b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(data), data)

    answer = []
    for start in range(0, len(command), octets):
        answer += client.send_octets(command[start : start + octets])

    assert answer == ["a OK [APPENDUID 1000 1] APPEND completed"]
    assert kept(world) == [data]


class Full(MemoryStaging):
    """Takes a little, then the disk is full."""

    async def write(self, data: bytes) -> None:
        await super().write(data)
        if sum(map(len, self._pieces)) > 100:
            self.discard()
            raise StorageFull


def on_a_full_disk(world: World) -> ImapClient:
    def stage(size_hint: int = 0) -> IStaging:
        staging = Full(world.store._ended)
        world.store.open_stagings.append(staging)
        return staging

    world.alice.stage = stage  # type: ignore[method-assign]
    return world.connect("alice")


def test_a_disk_that_gets_full_meanwhile_refuses_the_message_and_nothing_else() -> None:
    world = World()
    client = on_a_full_disk(world)
    client.send("a APPEND INBOX {5000}")

    assert client.send_octets(b"x" * 200) == []  # the client goes on sending what it promised
    assert client.send_octets(b"c NOOP\r\n" * 600) == []
    [answer] = client.send_octets(b"\r\n")
    assert re.match(r"a NO \[UNAVAILABLE\] The server has no space .* \(r-\w+\)", answer)
    assert client.tagged("NOOP") == "OK NOOP completed"
    assert not world.store.open_stagings
    assert kept(world) == []


def test_a_message_that_is_too_big_and_was_sent_regardless_is_dropped() -> None:
    client = World(limits=Limits(max_message=100)).connect("alice")

    answer = client.send_octets(
        b"a APPEND INBOX {300+}\r\n" + b"x NOOP\r\n" * 38 + b"\r\nb NOOP\r\n"
    )

    assert answer == ["a NO [TOOBIG] A message may have at most 100 octets", "b OK NOOP completed"]


def test_a_message_that_is_much_too_big_and_was_sent_regardless_ends_the_connection() -> None:
    client = World(limits=Limits(max_message=100)).connect("alice")

    answer = client.send("a APPEND INBOX {401+}")

    assert answer == [
        "a NO [TOOBIG] A message may have at most 100 octets",
        "* BYE Too much data",
    ]
    assert client.closed


def test_a_client_that_vanishes_leaves_nothing() -> None:
    world = World()
    client = world.connect("alice")
    client.send("a APPEND INBOX {15+}", "Subject: x", "", "y {20+}", "half of it")
    client.vanish()

    assert not world.store.open_stagings
    assert kept(world) == []


def test_too_many_messages_in_one_command_are_refused() -> None:
    world = World()
    client = world.connect("alice")

    answer = client.send_octets(b"a APPEND INBOX" + b" {1+}\r\nx" * 1001 + b"\r\n")

    assert answer == ["a NO [LIMIT] Too many messages in one APPEND"]
    assert kept(world) == []


def test_a_line_behind_a_message_may_be_too_long_as_well() -> None:
    world = World(max_line=100)
    client = world.connect("alice")

    answer = client.send("a APPEND INBOX {3+}", "abc" + " " * 200, "b NOOP")

    assert answer == ["a BAD The line is too long", "b OK NOOP completed"]
    assert kept(world) == []
    assert not world.store.open_stagings


def test_the_limit_is_advertised() -> None:
    client = World(limits=Limits(max_message=1234)).connect()

    assert " APPENDLIMIT=1234 " in client.greeting[0]


def test_the_second_space_of_a_client_before_a_later_message_is_borne() -> None:
    """imapclient's multiappend() leaves the flags out, but not the space behind them."""
    world = World()
    client = world.connect("alice")

    answer = client.send_octets(b"a APPEND INBOX {4+}\r\none\n  {4+}\r\ntwo\n\r\n")

    assert answer == ["a OK [APPENDUID 1000 1:2] APPEND completed"]
    assert kept(world) == [b"one\n", b"two\n"]


def test_messages_that_come_at_once_let_others_have_their_turn() -> None:
    world = World()
    client, other = world.connect("alice"), world.connect("bob")
    staged: list[IStaging] = []

    class Slow(MemoryStaging):
        """Each message takes 2 ms of the reactor's time."""

        async def write(self, data: bytes) -> None:
            await super().write(data)
            staged.append(self)
            world.clock.rightNow += 0.002

    world.store.stage = lambda size_hint=0: Slow(lambda ended: None)  # type: ignore[method-assign]
    message = b" {12+}\r\nSubject: x\r\n"
    client.protocol.dataReceived(b"a APPEND INBOX" + 10 * message + b"\r\n")
    assert len(staged) == 2

    other.protocol.dataReceived(b"n NOOP\r\n")
    assert other.socket.value() == b"n OK NOOP completed\r\n"
    assert client.lines() == ["a OK [APPENDUID 1000 1:10] APPEND completed"]

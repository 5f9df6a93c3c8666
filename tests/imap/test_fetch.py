"""FETCH over a connection: what no transcript can show."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhub.imap.fetch import run as fetch_run
from mailhub.model.errors import StorageFull
from mailhub.model.numbers import Uid
from tests.harness import message
from tests.imap.fetch.messages import NESTED, PLAIN
from tests.imap.harness import ImapClient, World

LONG_BODY = "".join(f"{n:07}\r\n" for n in range(100_000))
LONG = message(body=LONG_BODY)


@pytest.fixture
def world() -> World:
    return World()


def opened(world: World, user: str = "alice") -> ImapClient:
    client = world.connect(user)
    client.select()
    return client


def literal_of(answer: bytes) -> bytes:
    """The octets of the one literal in *answer*."""
    match = re.search(rb"\{(\d+)\}\r\n", answer)
    assert match is not None
    return answer[match.end() : match.end() + int(match[1])]


def fetched(client: ImapClient, items: str) -> bytes:
    client.protocol.dataReceived(f"a FETCH 1 {items}\r\n".encode())
    answer = client.read()
    assert answer.endswith(b"a OK FETCH completed\r\n"), answer[-200:]
    return answer


# --- bytes --------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.binary(min_size=1, max_size=500))
def test_a_message_comes_back_byte_for_byte(data: bytes) -> None:
    world = World()
    world.deliver(data=data)
    client = opened(world)

    assert literal_of(fetched(client, "BODY.PEEK[]")) == data
    header = literal_of(fetched(client, "RFC822.HEADER"))
    assert header + literal_of(fetched(client, "BODY.PEEK[TEXT]")) == data


@pytest.mark.parametrize("data", [PLAIN.data, NESTED.data, LONG], ids=["plain", "nested", "long"])
def test_pieces_of_a_message_join_to_the_message(world: World, data: bytes) -> None:
    world.deliver(data=data)
    client = opened(world)
    step = len(data) // 7 + 1

    pieces = [
        literal_of(fetched(client, f"BODY.PEEK[]<{origin}.{step}>"))
        for origin in range(0, len(data), step)
    ]

    assert b"".join(pieces) == data


def test_a_name_with_a_per_cent_sign_is_no_format(world: World) -> None:
    world.deliver(data=b"X-%d: odd\r\n\r\n")
    client = opened(world)

    assert client.ok('FETCH 1 BODY.PEEK[HEADER.FIELDS ("X-%d" "%s")]') == [
        '* 1 FETCH (BODY[HEADER.FIELDS ("X-%d" "%s")] {13}',
        "X-%d: odd",
        "",
        ")",
    ]


def test_a_long_message_is_answered_between_short_ones(world: World) -> None:
    for data in (PLAIN.data, LONG, NESTED.data):
        world.deliver(data=data)
    client = opened(world)

    client.protocol.dataReceived(b"a FETCH 1:3 (UID BODY.PEEK[] RFC822.SIZE)\r\n")

    assert client.read() == b"".join(
        [
            *(
                b"* %d FETCH (UID %d BODY[] {%d}\r\n%b RFC822.SIZE %d)\r\n"
                % (n, n, len(data), data, len(data))
                for n, data in enumerate((PLAIN.data, LONG, NESTED.data), 1)
            ),
            b"a OK FETCH completed\r\n",
        ]
    )


def test_a_long_message_that_becomes_seen_says_so_once(world: World) -> None:
    world.deliver(data=LONG)
    client = opened(world)

    answer = fetched(client, "(UID BODY[TEXT]<7.2>)")

    assert answer == (
        b"* 1 FETCH (FLAGS (\\Recent \\Seen) UID 1 BODY[TEXT]<7> {2}\r\n\r\n)\r\n"
        b"a OK FETCH completed\r\n"
    )


def test_only_the_messages_that_became_seen_tell_their_flags(world: World) -> None:
    for flags in ((), ("\\Seen",), ("\\Seen",), ()):
        world.deliver(data=b"\r\nx", flags=flags)
    client = opened(world)

    answer = client.ok("FETCH 1:4 BODY[TEXT]")

    assert [line for line in answer if line.startswith("* ")] == [
        "* 1 FETCH (FLAGS (\\Recent \\Seen) BODY[TEXT] {1}",
        "* 2 FETCH (BODY[TEXT] {1}",
        "* 3 FETCH (BODY[TEXT] {1}",
        "* 4 FETCH (FLAGS (\\Recent \\Seen) BODY[TEXT] {1}",
    ]


# --- slices -------------------------------------------------------------------------------


@pytest.mark.parametrize("items", ["FLAGS", "(FLAGS RFC822.SIZE)", "(FLAGS BODY[TEXT])"])
def test_slices_leave_nothing_out(
    world: World, items: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_run, "FLAGS_PER_SLICE", 3)
    monkeypatch.setattr(fetch_run, "ROWS_PER_SLICE", 3)
    for _ in range(10):
        world.deliver()
    client = opened(world)
    client.ok("STORE 2,5 +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")

    answer = [line for line in client.ok(f"UID FETCH 1:* {items}") if line.startswith("* ")]

    told = [re.match(r"\* (\d+) FETCH \((?:FLAGS \(.*?\) )?UID (\d+) ", line) for line in answer]
    assert [match and match.groups() for match in told] == [
        (str(n), str(uid)) for n, uid in enumerate((1, 3, 4, 6, 7, 8, 9, 10), 1)
    ]


class Stuck:
    """A client that stops reading when the *nth* piece of a long message is read for it."""

    def __init__(self, world: World, nth: int) -> None:
        self.client = opened(world)
        self.pieces = 0
        self._nth = nth
        mailbox = self.client.protocol.session.current.mailbox
        self._read = mailbox.read
        mailbox.read = self._counted  # type: ignore[method-assign]
        self.client.protocol.dataReceived(b"a FETCH 1:* BODY.PEEK[]\r\n")
        world.settle()

    async def _counted(self, uid: Uid, start: int, octets: int) -> bytes:
        self.pieces += 1
        self.client.world.clock.rightNow += 0.004  # each takes a slice's time
        if self.pieces == self._nth:
            self.client.socket.producer.pauseProducing()
        return await self._read(uid, start, octets)

    def read_on(self) -> bytes:
        self.client.socket.producer.resumeProducing()
        answer = b""
        while data := self.client.read():
            answer += data
        return answer


def test_a_client_that_does_not_read_costs_one_piece_of_memory(world: World) -> None:
    for _ in range(20):
        world.deliver(data=LONG)

    stuck = Stuck(world, nth=3)

    assert stuck.pieces == 3
    answer = stuck.read_on()
    assert stuck.pieces > 20 * 13
    assert answer.count(LONG) == 20
    assert answer.endswith(b")\r\na OK FETCH completed\r\n")


def test_a_client_that_leaves_in_the_middle_ends_its_fetch(world: World) -> None:
    world.deliver(data=LONG)
    stuck = Stuck(world, nth=3)

    stuck.client.vanish()
    world.settle()

    assert stuck.pieces <= 4
    assert world.realm.logged_out == 1


# --- messages that have gone --------------------------------------------------------------


def test_content_that_is_lost_in_the_middle_of_a_literal_ends_the_connection(
    world: World,
) -> None:
    world.deliver(data=LONG)
    stuck = Stuck(world, nth=3)
    box = next(iter(world.alice.boxes.values()))
    del box.messages[1]

    answer = stuck.read_on()

    assert stuck.client.closed
    assert b"a NO" not in answer
    assert b"a OK" not in answer


def test_messages_of_which_nothing_is_kept_are_missed(world: World) -> None:  # 2180 4.1.2
    for _ in range(3):
        world.deliver()
    client = opened(world)
    client.ok("FETCH 1:* UID")
    box = next(iter(world.alice.boxes.values()))
    del box.messages[2]

    for items in ("FLAGS", "RFC822.SIZE"):
        answer = client.send(f"a FETCH 1:3 {items}")
        assert [line.split()[1] for line in answer[:-1]] == ["1", "3"]
        assert answer[-1] == "a NO [EXPUNGEISSUED] Some of the messages no longer exist"
        assert client.send(f"a UID FETCH 1:3 {items}")[-1] == "a OK UID FETCH completed"


# --- trouble ------------------------------------------------------------------------------


def test_mail_can_be_read_when_nothing_can_be_written(world: World) -> None:
    world.deliver(data=b"\r\nx")
    client = opened(world)

    async def full(*arguments: object) -> None:
        raise StorageFull

    client.protocol.session.current.mailbox.store = full  # type: ignore[method-assign,assignment]

    assert client.ok("FETCH 1 BODY[TEXT]") == ["* 1 FETCH (BODY[TEXT] {1}", "x)"]
    assert client.tagged("STORE 1 +FLAGS (\\Seen)").startswith("NO [UNAVAILABLE]")


def test_a_part_in_an_unknown_encoding_fails_the_fetch_alone(world: World) -> None:
    world.deliver(data=NESTED.data)
    client = opened(world)

    assert client.tagged("FETCH 1 BINARY[4]").startswith("NO [UNKNOWN-CTE]")
    assert client.ok("FETCH 1 BODY[4]")


def test_a_deleted_mailbox_is_a_goodbye_or_a_refusal(world: World) -> None:
    client = opened(world)
    client.ok("CREATE Gone")
    world.deliver("Gone")
    client.select("Gone")
    world.connect("alice").ok("DELETE Gone")

    answer = client.send("a FETCH 1 FLAGS")

    assert any(line.startswith(("a NO [NONEXISTENT]", "* BYE")) for line in answer)

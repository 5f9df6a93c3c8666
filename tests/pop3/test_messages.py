from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.model.errors import Damaged, MessageGone
from mailhub.model.names import INBOX
from mailhub.model.numbers import EVERYTHING, NumberSet, Uid
from mailhub.pop3 import maildrop
from tests.harness import message, run
from tests.memory_store import MemoryMailbox
from tests.peer import Peer
from tests.pop3.client import Pop3World, unstuffed

SMALL = message("one", "1\r\n2\r\n3\r\n")


@pytest.fixture
def world() -> Pop3World:
    return Pop3World()


@pytest.fixture
def client(world: Pop3World) -> Peer:
    world.add(SMALL, message("two"), message("three"))
    return connected(world)


def connected(world: Pop3World) -> Peer:
    peer = world.client()
    peer.octets()
    return peer


def retrieve(client: Peer, command: str) -> bytes:
    client.push(f"{command}\r\n")
    return unstuffed(client.octets())


# --- refused


@pytest.mark.parametrize("verb", ["LIST", "UIDL", "RETR", "DELE"])
@pytest.mark.parametrize("argument", ["0", "4", "x", "-1", "1 2", "99999999999", "1.0"])
def test_a_message_that_is_not_there_is_an_error(client: Peer, verb: str, argument: str) -> None:
    (answer,) = client.say(f"{verb} {argument}")

    assert answer.startswith("-ERR")


@pytest.mark.parametrize(
    "command", ["RETR", "DELE", "TOP", "TOP 1", "TOP 1 x", "TOP 4 0", "TOP 1 -1"]
)
def test_arguments_that_are_missing_or_bad_are_errors(client: Peer, command: str) -> None:
    assert client.say(command)[0].startswith("-ERR")


@pytest.mark.parametrize("command", ["LIST 2", "UIDL 2", "RETR 2", "TOP 2 0", "DELE 2"])
def test_a_message_marked_as_deleted_is_not_there(client: Peer, command: str) -> None:
    client.say("DELE 2")

    assert client.say(command) == ["-ERR Message 2 is deleted"]


# --- listings


def test_stat_and_list_agree_with_what_is_stored(world: Pop3World, client: Peer) -> None:
    sizes = [len(data) for data in world.inbox()]

    assert client.say("STAT") == [f"+OK 3 {sum(sizes)}"]
    assert client.say("LIST") == [
        f"+OK 3 messages ({sum(sizes)} octets)",
        *(f"{n} {size}" for n, size in enumerate(sizes, 1)),
        ".",
    ]
    assert client.say("LIST 2") == [f"+OK 2 {sizes[1]}"]


def test_uidl_is_what_the_store_keeps(client: Peer) -> None:
    assert client.say("UIDL") == [
        client.say("UIDL")[0],
        "1 000003e800000001",
        "2 000003e800000002",
        "3 000003e800000003",
        ".",
    ]
    assert client.say("UIDL 3") == ["+OK 3 000003e800000003"]


def test_numbers_stay_while_messages_are_marked_and_come_back_with_rset(client: Peer) -> None:
    before = [client.say("LIST"), client.say("UIDL"), client.say("STAT")]

    assert client.say("DELE 2") == ["+OK Message 2 deleted"]
    assert [line.split()[0] for line in client.say("UIDL")[1:-1]] == ["1", "3"]
    assert client.say("STAT")[0].startswith("+OK 2 ")

    assert client.say("RSET")[0].startswith("+OK 3 messages")
    assert [client.say("LIST"), client.say("UIDL"), client.say("STAT")] == before


def test_an_empty_maildrop_has_empty_listings(world: Pop3World) -> None:
    client = connected(world)

    assert client.say("STAT", "LIST", "UIDL") == [
        "+OK 0 0",
        "+OK 0 messages (0 octets)",
        ".",
        "+OK 0 messages (0 octets)",
        ".",
    ]


def test_many_messages_are_listed_in_order(
    world: Pop3World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maildrop, "ROWS", 7)
    monkeypatch.setattr(maildrop, "LINES", 5)
    world.add(*[b"x" * n for n in range(1, 51)])
    run(MemoryMailbox(world.alice, world.alice.boxes[INBOX]).remove(NumberSet.of(1, 17)))

    assert connected(world).say("LIST")[1:-1] == [
        f"{n} {size}" for n, size in enumerate([s for s in range(1, 51) if s not in (1, 17)], 1)
    ]


def test_mail_that_comes_during_a_session_is_for_the_next(world: Pop3World, client: Peer) -> None:
    world.add(message("four"))

    assert client.say("STAT")[0].startswith("+OK 3 ")
    client.say("QUIT")
    assert connected(world).say("STAT")[0].startswith("+OK 4 ")


# --- content


def test_retr_sends_the_message_octet_by_octet(client: Peer) -> None:
    assert retrieve(client, "RETR 1") == SMALL


def test_retrieving_changes_no_flag(world: Pop3World, client: Peer) -> None:
    retrieve(client, "RETR 1")

    assert world.alice.boxes[INBOX].messages[1].flags == 0


@given(
    st.lists(st.sampled_from([b"", b".", b"..", b".x", b"x" * 15])),
    st.integers(1, 20),
)
def test_retr_is_right_wherever_the_pieces_are_cut(lines: list[bytes], piece: int) -> None:
    body = b"".join(line + b"\r\n" for line in lines)
    world = Pop3World()
    world.add(b"Subject: x\r\n\r\n" + body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maildrop, "PIECE", piece)
        client = connected(world)

        assert retrieve(client, "RETR 1") == b"Subject: x\r\n\r\n" + body
        assert retrieve(client, "TOP 1 99999999") == b"Subject: x\r\n\r\n" + body


def test_a_large_message_comes_in_pieces_and_whole(world: Pop3World) -> None:
    large = message("large", ".dots and more\r\n" * 60_000)
    world.add(large)

    assert retrieve(connected(world), "RETR 1") == large


@pytest.mark.parametrize(
    ("lines", "body"), [(0, b""), (1, b"1\r\n"), (2, b"1\r\n2\r\n"), (9, b"1\r\n2\r\n3\r\n")]
)
def test_top_gives_header_empty_line_and_lines(client: Peer, lines: int, body: bytes) -> None:
    header = SMALL.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    assert retrieve(client, f"TOP 1 {lines}") == header + body


@pytest.mark.parametrize("stored", [b"Subject: x\r\n", b"Subject: x", b"Subject: x\r\n\r\n"])
def test_top_always_has_the_empty_line(world: Pop3World, stored: bytes) -> None:
    world.add(stored)

    assert retrieve(connected(world), "TOP 1 0") == b"Subject: x\r\n\r\n"


@pytest.mark.parametrize("stored", [b"", b"\r\n", b"x", b"a\n.\nb\n", b"a\r.\rb", b"\n.\r\n", b"."])
def test_odd_messages_reach_a_client_that_reads_lines(world: Pop3World, stored: bytes) -> None:
    world.add(stored, SMALL)
    client = connected(world)

    client.push("RETR 1\r\nRETR 2\r\n")
    lines = iter(client.octets().split(b"\n"))
    messages = []
    for _ in range(2):
        assert next(lines).startswith(b"+OK")
        text = b""
        while (line := next(lines)) != b".\r":
            text += line.removeprefix(b".") + b"\n"
        messages.append(text)

    expected = stored if stored.endswith(b"\r\n") or not stored else stored + b"\r\n"
    assert messages == [expected, SMALL]


def test_a_message_that_another_session_removed_can_still_be_read(
    world: Pop3World, client: Peer
) -> None:
    run(MemoryMailbox(world.alice, world.alice.boxes[INBOX]).remove(NumberSet.of(1)))

    assert retrieve(client, "RETR 1") == SMALL
    assert client.say("DELE 1", "QUIT")[-1].startswith("+OK")


def test_a_message_that_is_gone_for_good_is_an_error(world: Pop3World, client: Peer) -> None:
    run(MemoryMailbox(world.alice, world.alice.boxes[INBOX]).remove(EVERYTHING))
    world.alice.boxes[INBOX].expunged.clear()

    assert client.say("RETR 1", "TOP 1 0") == ["-ERR The message has been deleted"] * 2
    assert client.say("NOOP") == ["+OK"]


def test_a_message_shorter_than_its_size_never_looks_complete(
    world: Pop3World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maildrop, "PIECE", 10)
    world.add(SMALL)
    client = connected(world)
    world.alice.boxes[INBOX].messages[1].data = SMALL[:30]

    client.push("RETR 1\r\n")

    assert client.closed
    assert not client.octets().endswith(b".\r\n")


@pytest.mark.parametrize("problem", [MessageGone(), Damaged(), ZeroDivisionError()])
def test_a_message_that_breaks_off_never_looks_complete(
    world: Pop3World, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    monkeypatch.setattr(maildrop, "PIECE", 10)
    world.add(SMALL)
    client = connected(world)

    async def read(self: MemoryMailbox, uid: Uid, start: int, octets: int) -> bytes:
        if start >= 30:
            raise problem
        return SMALL[start : start + octets]

    monkeypatch.setattr(MemoryMailbox, "read", read)
    client.push("RETR 1\r\nNOOP\r\n")

    assert client.closed
    assert not client.octets().endswith(b".\r\n")


# --- slow clients


def test_for_a_client_that_does_not_read_no_more_is_read(
    world: Pop3World, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = message("large", "text\r\n" * 200_000)
    world.add(large)
    client = connected(world)
    producer = client.transport.producer
    original, reads = MemoryMailbox.read, []

    async def read(self: MemoryMailbox, uid: Uid, start: int, octets: int) -> bytes:
        reads.append(start)
        if len(reads) == 1:
            producer.pauseProducing()
        return await original(self, uid, start, octets)

    monkeypatch.setattr(MemoryMailbox, "read", read)
    client.push("RETR 1\r\n")
    world.clock.pump([0.001] * 50)
    assert len(reads) == 1
    assert client.octets() == b""

    producer.resumeProducing()
    world.clock.pump([0.001] * 50)
    assert unstuffed(client.octets()) == large

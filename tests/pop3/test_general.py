from __future__ import annotations

import pytest

from mailhub.config.options import Pop3Config
from mailhub.model.errors import Refusal, Unavailable
from mailhub.model.names import INBOX
from mailhub.model.numbers import NumberSet
from tests.harness import message
from tests.memory_store import MemoryMailbox
from tests.peer import Peer
from tests.pop3.client import Pop3World


@pytest.fixture
def world() -> Pop3World:
    return Pop3World()


@pytest.fixture
def client(world: Pop3World) -> Peer:
    world.add(message("one"), message("two"), message("three"))
    peer = world.client()
    peer.lines()
    return peer


CAPABILITIES = [
    "+OK Capability list follows",
    "SASL PLAIN LOGIN",
    "USER",
    "TOP",
    "UIDL",
    "PIPELINING",
    "RESP-CODES",
    "AUTH-RESP-CODE",
    "EXPIRE NEVER",
    "LOGIN-DELAY 0",
    "UTF8 USER",
    "LANG",
    "IMPLEMENTATION mailhub",
    ".",
]


def test_capa_is_the_same_in_both_states(world: Pop3World, client: Peer) -> None:  # 2449 5
    stranger = world.connect()
    stranger.lines()

    assert stranger.say("CAPA") == CAPABILITIES
    assert client.say("capa") == CAPABILITIES


def test_capa_tells_the_policy() -> None:
    client = Pop3World(config=Pop3Config(expire="30", login_delay=900)).connect()

    assert {"EXPIRE 30", "LOGIN-DELAY 900"} <= set(client.say("CAPA"))


@pytest.mark.parametrize("command", ["CAPA x", "NOOP x", "QUIT x", "RSET x", "STAT x"])
def test_an_argument_too_many_is_refused(client: Peer, command: str) -> None:
    assert client.say(command) == ["-ERR This command takes no argument"]
    assert not client.closed


# --- LANG and UTF8


def test_lang_lists_and_chooses(client: Peer) -> None:  # 6856 3
    assert client.say("LANG") == ["+OK Language listing follows:", "en English", "."]
    for wanted in ("en", "EN-GB", "*"):
        assert client.say(f"LANG {wanted}") == ["+OK en Language changed"]
    assert client.say("LANG MUL") == ["-ERR That language is not spoken here"]


def test_utf8_is_for_the_time_before_log_in(world: Pop3World, client: Peer) -> None:  # 6856 2
    stranger = world.connect()
    stranger.lines()

    assert stranger.say("UTF8") == ["+OK UTF-8 mode"]
    assert client.say("UTF8")[0].startswith("-ERR")


# --- QUIT


def test_quit_deletes_what_was_marked(world: Pop3World, client: Peer) -> None:  # 1939 6
    client.say("DELE 1", "DELE 3")
    assert len(world.inbox()) == 3

    assert client.say("QUIT") == ["+OK Goodbye, 2 messages deleted"]

    assert world.inbox() == [message("two")]
    assert client.closed
    assert world.realm.inside == 0


def test_quit_before_log_in_is_polite(world: Pop3World) -> None:
    stranger = world.connect()
    stranger.lines()

    assert stranger.say("QUIT") == ["+OK Goodbye"]
    assert stranger.closed


@pytest.mark.parametrize("problem", [Unavailable(), Refusal("No"), ZeroDivisionError()])
def test_a_quit_that_could_not_delete_says_so(
    world: Pop3World, client: Peer, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    async def remove(self: MemoryMailbox, uids: NumberSet) -> NumberSet:
        raise problem

    monkeypatch.setattr(MemoryMailbox, "remove", remove)
    client.say("DELE 1")

    (answer,) = client.say("QUIT")

    assert answer.startswith("-ERR [SYS/TEMP]")
    assert len(world.inbox()) == 3
    assert client.closed
    assert world.realm.inside == 0


@pytest.mark.parametrize("how", ["vanishes", "falls silent", "makes too many mistakes"])
def test_nothing_is_deleted_when_the_client(world: Pop3World, client: Peer, how: str) -> None:
    client.say("DELE 1", "DELE 2")

    if how == "vanishes":
        client.vanish()
    elif how == "falls silent":
        world.clock.advance(world.host.limits.pop3_idle_timeout + 1)
        assert client.lines() == []  # 1939 3: no response
        assert client.closed
    else:
        client.say(*["X"] * 20)
        assert client.closed

    assert len(world.inbox()) == 3


def test_commands_keep_an_idle_session_alive(world: Pop3World, client: Peer) -> None:
    for _ in range(10):
        world.clock.advance(world.host.limits.pop3_idle_timeout - 1)
        assert client.say("NOOP") == ["+OK"]


# --- bad input


def test_too_many_bad_commands_close_but_a_good_one_between_forgives() -> None:
    client = Pop3World(config=Pop3Config(max_bad_commands=3)).client()

    assert not any(a.startswith("-ERR Too many") for a in client.say("X", "X", "NOOP", "X", "X"))
    assert client.say("X", "NOOP")[-1] == "-ERR Too many bad commands, closing connection"
    assert client.closed


@pytest.mark.parametrize(
    "garbage",
    [b"\0\0\0\r\n", bytes(range(128, 256)) + b"\r\n", b"\r\n", b" \r\n", b"x" * 20_000 + b"\n"],
)
def test_garbage_is_answered_once_and_the_session_lives(client: Peer, garbage: bytes) -> None:
    (answer,) = client.send(garbage)

    assert answer.startswith("-ERR")
    assert client.say("NOOP") == ["+OK"]


def test_tls_on_the_plain_port_is_cut_off(world: Pop3World) -> None:
    client = world.connect()
    client.lines()

    client.push(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")

    assert client.closed
    assert client.octets() == b""


def test_a_browser_gets_no_second_line_in(world: Pop3World) -> None:
    client = world.connect()
    client.lines()

    answers = client.say("POST / HTTP/1.1", "USER alice", "PASS open sesame")

    assert len(answers) == 1
    assert client.closed


def test_pipelined_commands_are_answered_in_order(world: Pop3World) -> None:  # 2449 6.6
    world.add(message("one"))
    client = world.connect()
    client.lines()

    answers = client.say("USER alice", "PASS open sesame", "STAT", "DELE 1", "QUIT", "NOOP")

    assert [answer[:4] for answer in answers] == ["+OK "] * 5
    assert world.inbox() == []


def test_one_byte_at_a_time_is_as_good_as_any(world: Pop3World) -> None:
    client = world.connect()
    client.lines()

    for octet in b"USER alice\r\nPASS open sesame\nSTAT\r\nQUIT\r\n":
        client.push(bytes([octet]))

    assert [answer[:3] for answer in client.lines()] == ["+OK"] * 4


def test_wherever_the_line_is_cut_only_a_whole_quit_deletes(world: Pop3World) -> None:
    world.add(message("one"))
    dialogue = b"USER alice\r\nPASS open sesame\r\nDELE 1\r\nQUIT\r\n"

    for length in range(len(dialogue)):
        client = world.connect()
        client.push(dialogue[:length])
        client.vanish()

        assert len(world.inbox()) == 1
        assert world.realm.inside == 0
    world.connect().push(dialogue)
    assert world.inbox() == []


def test_the_flight_recorder_knows_no_secret(world: Pop3World) -> None:
    client = world.connect()
    client.say("USER alice", "PASS open sesame", "open sesame", "NOOP")

    record = client.protocol.recorder.text()

    assert "sesame" not in record
    assert "USER alice" in record
    assert INBOX not in record

from __future__ import annotations

import base64

import pytest
from twisted.cred.portal import Portal

from mailhub.config.options import Limits, Pop3Config
from mailhub.interfaces import (
    BadCredentials,
    LogInDisabled,
    LogInForbidden,
    LogInRefused,
    LogInUnavailable,
    SecretExpired,
    TooManyAttempts,
    TooManyConnections,
)
from mailhub.model.errors import Damaged, InUse, Refusal, StorageFull
from mailhub.pop3.errors import refusal
from mailhub.pop3.factory import POP3Factory
from tests.harness import message, run
from tests.peer import Peer
from tests.pop3.client import Pop3World, Realm

PLAIN = base64.b64encode(b"\0alice\0open sesame").decode()


@pytest.fixture
def world() -> Pop3World:
    return Pop3World()


@pytest.fixture
def client(world: Pop3World) -> Peer:
    peer = world.connect()
    assert peer.lines() == ["+OK mail.example.org POP3 mailhub ready"]
    return peer


# --- refused


@pytest.mark.parametrize(
    "command",
    [
        "STAT",
        "LIST",
        "UIDL",
        "RETR 1",
        "TOP 1 0",
        "DELE 1",
        "RSET",
        "NOOP",
        "XYZZY",
        "",
        "APOP a b",
    ],
)
def test_before_log_in_nothing_else_is_possible(client: Peer, command: str) -> None:
    (answer,) = client.say(command)

    assert answer.startswith("-ERR")


@pytest.mark.parametrize(
    "commands",
    [
        ["PASS open sesame"],
        ["USER"],
        ["USER alice", "PASS"],
        ["USER alice", "PASS wrong"],
        ["USER bob", "PASS open sesame"],
        ["USER alice", "PASS open sesame "],
        ["USER alice", "PASS wrong", "PASS open sesame"],
        ["AUTH PLAIN " + base64.b64encode(b"\0alice\0wrong").decode()],
        ["AUTH PLAIN not-base64"],
        ["AUTH PLAIN ="],
        ["AUTH XYZZY"],
        ["AUTH PLAIN a b"],
        ["AUTH PLAIN", "*"],
        ["AUTH PLAIN", "%%%"],
        ["AUTH PLAIN", "x" * 13_000],
    ],
)
def test_a_log_in_that_is_wrong_in_any_way_is_refused(client: Peer, commands: list[str]) -> None:
    *_, answer = client.say(*commands)

    assert answer.startswith("-ERR")
    assert client.say("USER alice", "PASS open sesame")[1].startswith("+OK")


def test_a_wrong_password_has_its_code_and_a_reason_id(client: Peer) -> None:  # 3206
    *_, answer = client.say("USER alice", "PASS wrong")

    assert answer.startswith("-ERR [AUTH] Wrong user name or password (r-")


def test_who_exists_is_not_told(client: Peer) -> None:
    assert client.say("USER alice") == client.say("USER nobody")


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (BadCredentials(), "AUTH"),
        (LogInDisabled(), "AUTH"),
        (SecretExpired(), "AUTH"),
        (LogInForbidden(), "AUTH"),
        (LogInRefused(), "AUTH"),
        (TooManyAttempts(), "SYS/TEMP"),
        (TooManyConnections(), "SYS/TEMP"),
        (LogInUnavailable(), "SYS/TEMP"),
        (InUse(), "IN-USE"),
        (StorageFull(), "SYS/TEMP"),
        (Damaged(), "SYS/PERM"),
        (Refusal(), ""),
    ],
)
def test_each_refusal_has_its_code(problem: Refusal | LogInRefused, code: str) -> None:
    assert refusal(problem)[1] == code


def test_what_is_for_the_log_is_not_for_the_client() -> None:
    text, _ = refusal(BadCredentials("no such user"))

    assert "no such user" not in text


def test_passwords_in_clear_are_refused_without_tls() -> None:
    client = Pop3World(plaintext=False).connect()
    client.lines()

    assert client.say("CAPA").count("USER") == 0
    for commands in (["USER alice"], ["AUTH PLAIN " + PLAIN], ["AUTH LOGIN"]):
        (answer,) = client.say(*commands)
        assert answer.startswith("-ERR No password in clear")


def test_a_session_already_logged_in_cannot_log_in_again(world: Pop3World) -> None:
    client = world.client()

    assert [a[:4] for a in client.say("USER alice", "AUTH PLAIN " + PLAIN, "UTF8")] == ["-ERR"] * 3


def test_failed_log_ins_count_as_bad_commands() -> None:
    client = Pop3World(config=Pop3Config(max_bad_commands=2)).connect()
    client.lines()

    answers = client.say("USER alice", "PASS x", "USER alice", "PASS x", "USER alice")

    assert answers[-1] == "-ERR Too many bad commands, closing connection"
    assert client.closed


# --- let in


def test_user_and_pass_open_the_maildrop(world: Pop3World, client: Peer) -> None:
    world.add(message(), message())
    octets = 2 * len(message())

    answers = client.say("user alice", "pass open sesame")

    assert answers == [
        "+OK Send the password with PASS",
        f"+OK alice@example.org has 2 messages ({octets} octets)",
    ]
    assert world.realm.inside == 1


def test_auth_takes_an_initial_response(client: Peer) -> None:  # 5034 4
    assert client.say("auth plain " + PLAIN)[0].startswith("+OK alice@example.org")


def test_auth_asks_when_there_is_no_initial_response(client: Peer) -> None:
    assert client.say("AUTH PLAIN") == ["+ "]
    assert client.say(PLAIN)[0].startswith("+OK alice@example.org")


def test_auth_login_asks_twice(client: Peer) -> None:
    name, password = (base64.b64encode(x).decode() for x in (b"alice", b"open sesame"))

    assert client.say("AUTH LOGIN", name) == ["+ VXNlcm5hbWU6", "+ UGFzc3dvcmQ6"]
    assert client.say(password)[0].startswith("+OK")


@pytest.mark.parametrize("command", ["AUTH", "AUTH ", "auth"])
def test_auth_alone_lists_the_mechanisms(client: Peer, command: str) -> None:
    assert client.say(command) == ["+OK Mechanisms follow", "PLAIN", "LOGIN", "."]


def test_a_cancelled_exchange_leaves_the_session_as_it_was(client: Peer) -> None:
    assert client.say("AUTH PLAIN", "*") == ["+ ", "-ERR Authentication cancelled"]
    assert client.say("AUTH PLAIN " + PLAIN)[0].startswith("+OK")


# --- one at a time


def test_the_maildrop_is_for_one_session_at_a_time(world: Pop3World) -> None:  # 2449 8.1.2
    first, second = world.client(), world.connect()

    answer = second.say("USER alice", "PASS open sesame")[-1]

    assert answer.startswith("-ERR [IN-USE] Another POP3 session is reading this mailbox (r-")
    assert world.realm.inside == 1
    first.say("QUIT")
    assert second.say("USER alice", "PASS open sesame")[-1].startswith("+OK")


def test_a_client_that_vanishes_gives_the_maildrop_back(world: Pop3World) -> None:
    world.client().vanish()

    world.client()
    assert world.realm.inside == 1


def test_a_maildrop_that_cannot_be_opened_is_not_kept_locked(world: Pop3World) -> None:
    boxes = world.alice.boxes
    world.alice.boxes = {}
    client = world.connect()

    assert client.say("USER alice", "PASS open sesame")[-1].startswith("-ERR")

    world.alice.boxes = boxes
    assert client.say("USER alice", "PASS open sesame")[-1].startswith("+OK")


# --- LOGIN-DELAY


def test_a_log_in_too_soon_after_the_last_has_its_code() -> None:  # 2449 8.1.1
    world = Pop3World(config=Pop3Config(login_delay=60))
    world.client().say("QUIT")
    client = world.connect()

    answer = client.say("USER alice", "PASS open sesame")[-1]
    assert answer.startswith("-ERR [LOGIN-DELAY] Wait 60 seconds before you log in again (r-")
    assert world.realm.inside == 0

    world.clock.advance(60)
    world.client()


def test_a_refused_log_in_starts_no_delay() -> None:
    world = Pop3World(config=Pop3Config(login_delay=60))
    lock = run(world.alice.lock_maildrop())
    assert "[IN-USE]" in world.connect().say("USER alice", "PASS open sesame")[-1]

    lock()
    world.client()


def test_without_a_delay_log_ins_may_follow_at_once(world: Pop3World) -> None:
    for _ in range(3):
        world.client().say("QUIT")


# --- how long


def test_a_client_that_does_not_log_in_is_cut_off(world: Pop3World, client: Peer) -> None:
    world.clock.advance(Limits().login_timeout + 1)

    assert client.closed
    assert client.lines() == []


def test_too_many_connections_are_told() -> None:
    world = Pop3World(limits=Limits(max_connections=1))
    world.connect()

    second = world.connect()

    (answer,) = second.lines()
    assert answer.startswith("-ERR [SYS/TEMP] Too many connections")
    assert second.closed


def test_the_administrators_end_is_not_told(world: Pop3World) -> None:
    client = world.client()

    client.protocol.end("The server is going down")

    assert client.lines() == []
    assert client.closed


def test_a_factory_needs_nothing_but_a_portal() -> None:
    factory = POP3Factory(Portal(Realm({}), []))

    assert factory.buildProtocol(None).host is factory.buildProtocol(None).host

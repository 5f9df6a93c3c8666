"""Greeting, garbage, limits, time, pipelining, losing the connection, what is recorded."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhub.config.options import Limits
from mailhub.interfaces import Incoming
from mailhub.model.errors import OverQuota
from mailhub.model.mail import Appended
from mailhub.net.link import Entry
from tests.events import Events
from tests.harness import message
from tests.imap.harness import ImapClient, World

# --- greeting ---------------------------------------------------------------------------------


def test_the_greeting_tells_the_capabilities() -> None:
    [greeting] = World().connect().greeting

    assert greeting.startswith("* OK [CAPABILITY IMAP4rev1 IMAP4rev2 ")
    assert greeting.endswith("] mail.example.org mailhub is ready")
    assert " AUTH=PLAIN" in greeting
    assert "STARTTLS" not in greeting


def test_one_connection_too_many_is_told_so() -> None:
    world = World(limits=Limits(max_connections=1))
    world.connect()

    refused = world.connect()

    assert refused.greeting == [
        "* BYE [UNAVAILABLE] Too many connections to this server, try again later"
    ]
    assert refused.closed


# --- garbage ----------------------------------------------------------------------------------


def test_tls_on_a_plain_port_gets_an_answer_and_the_end() -> None:
    client = World().connect()
    for octet in b"\x16\x03\x01":
        answer = client.send_octets(bytes([octet]))
        if answer:
            break

    assert answer == ["* BYE This port does not begin with TLS"]
    assert client.closed


def test_a_web_browser_gets_an_answer_and_the_end() -> None:
    client = World().connect()

    answer = client.send("POST / HTTP/1.1", "Host: x", "", "a LOGIN alice secret")

    assert answer == ["* BYE This is not a web server"]
    assert client.closed


def test_binary_garbage_is_answered_line_by_line_until_it_is_too_much() -> None:
    client = World(max_bad_commands=3).connect()

    answer = client.send_octets(b"\xff\xfe\x00\n" * 5)

    assert answer == [*["* BAD A tag expected"] * 3, "* BYE Too many bad commands"]


def test_an_endless_line_ends_the_connection() -> None:
    client = World(limits=Limits(max_message=1000), max_line=100).connect()

    assert client.send_octets(b"x" * 10_000) == ["* BYE Too much data"]


@settings(max_examples=200)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from(
                [b"a APPEND INBOX {5+}\r\n", b"b IDLE\r\n", b"DONE\r\n", b"c SELECT INBOX\r\n"]
                + [b"d AUTHENTICATE PLAIN\r\n", b"e LIST (", b"f SEARCH {3}\r\n", b"g LOGOUT\r\n"]
            ),
        ),
        max_size=12,
    )
)
def test_whatever_comes_the_server_stays_in_order(pieces: list[bytes]) -> None:
    world = World()
    client = world.connect("alice")
    for piece in pieces:
        client.send_octets(piece)

    assert b"SERVERBUG" not in client.protocol.recorder.text().encode()
    assert world.connect("alice").tagged("NOOP") == "OK NOOP completed"
    client.vanish()
    assert not world.store.open_stagings


# --- pipelining -------------------------------------------------------------------------------

CONVERSATION = (
    b"a LOGIN {5+}\r\nalice secret\r\n"
    b"b SELECT INBOX\r\n"
    b"\r\nc APPEND INBOX (\\Seen) {15+}\r\nSubject: x\r\n\r\ny\r\n"
    b"d IDLE\r\nDONE\r\ne FETCH 1 (FLAGS RFC822.SIZE)\r\n"
    b"f AUTHENTICATE PLAIN\r\ng NONSENSE\r\nh LOGOUT\r\n"
)


def answer_to(cuts: list[int]) -> str:
    client = World().connect()
    answer, position = [], 0
    for cut in [*cuts, len(CONVERSATION)]:
        answer += client.send_octets(CONVERSATION[position : position + cut])
        position += cut
    return "\n".join(answer)


def test_commands_in_one_segment_are_answered_in_their_order() -> None:
    tags = re.findall(r"^(\w) (\w+)", answer_to([]), re.MULTILINE)

    assert tags == [
        ("a", "OK"),
        ("b", "OK"),
        ("c", "OK"),
        ("d", "OK"),
        ("e", "OK"),
        ("f", "BAD"),
        ("g", "BAD"),
        ("h", "OK"),
    ]


@given(st.lists(st.integers(1, 40), max_size=20))
def test_the_cut_of_the_segments_makes_no_difference(cuts: list[int]) -> None:
    assert answer_to(cuts) == answer_to([])


def test_what_is_pipelined_behind_a_failing_log_in_waits_for_it() -> None:
    client = World().connect()

    assert client.send("a LOGIN alice wrong", "b NOOP") == []
    answer = client.wait(1)
    assert [line[:4] for line in answer] == ["a NO", "b OK"]


def test_a_client_that_pipelines_without_end_is_held_up() -> None:
    client = World().connect()
    client.send("a LOGIN alice wrong")  # takes a second to answer

    for _ in range(200):
        client.protocol.dataReceived(b"b NOOP\r\n" * 100)

    assert client.socket.producerState == "paused"
    answer = client.wait(1)
    assert answer.count("b OK NOOP completed") == 20_000
    assert client.socket.producerState == "producing"


# --- time -------------------------------------------------------------------------------------


def test_who_does_not_log_in_in_time_is_sent_away() -> None:
    client = World(limits=Limits(login_timeout=60)).connect()
    for _ in range(5):
        assert client.wait(11) == []
        client.send("a NOOP")

    assert client.wait(6) == ["* BYE You took too long"]
    assert client.closed


def test_who_is_idle_for_half_an_hour_is_sent_away() -> None:  # 9051 5.4
    client = World().connect("alice")

    assert client.wait(1799) == []
    assert client.wait(2) == ["* BYE You took too long"]


def test_who_idles_is_not_idle() -> None:
    client = World().connect("alice")
    client.send("a IDLE")

    for _ in range(60):
        assert client.wait(120) == ["* OK Still here"]


# --- the end ----------------------------------------------------------------------------------


def test_logging_out_and_vanishing_both_log_out_once() -> None:
    world = World()
    left, vanished = world.connect("alice"), world.connect("alice")

    left.send("a LOGOUT")
    assert left.closed
    left.vanish()
    vanished.select()
    vanished.vanish()

    assert world.realm.logged_out == 2
    assert len(world.host.connections) == 0


def test_a_server_that_stops_says_so() -> None:
    client = World().connect("alice")
    client.protocol.end("The server is stopping")

    assert client.lines() == ["* BYE [UNAVAILABLE] The server is stopping"]


def test_a_client_may_vanish_in_the_middle_of_anything() -> None:
    world = World()
    for data in (b"", b"a", b"a IDLE\r\n", b"a APPEND INBOX {9}\r\nabc", b"a SEARCH {9}\r\nabc"):
        client = world.connect("alice")
        client.send_octets(data)
        client.vanish()

    assert not world.store.open_stagings
    assert world.connect("alice").ok("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 0)"]


# --- log-in -----------------------------------------------------------------------------------


def test_without_tls_no_password_is_taken() -> None:
    client = World(plaintext="tls").connect()

    assert " LOGINDISABLED" in client.greeting[0]
    assert "AUTH=" not in client.greeting[0]
    for line in ("LOGIN alice secret", "AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA=="):
        assert client.tagged(line).startswith("NO [PRIVACYREQUIRED] ")


def test_a_refused_log_in_carries_a_reason_id_that_the_log_knows(events: Events) -> None:
    client = World().connect()
    client.send("a LOGIN alice wrong")
    [answer] = client.wait(1)

    refused = re.fullmatch(r"a NO \[AUTHENTICATIONFAILED\] .* \((r-\w+)\)", answer)
    assert refused
    assert refused[1] in str(events)


def test_one_connection_of_an_account_too_many_is_told_who_holds_the_others() -> None:
    world = World(limits=Limits(max_connections_per_account=1))
    world.connect("alice")
    client = world.connect()
    client.send("a LOGIN alice secret")

    [answer] = client.wait(1)
    assert re.fullmatch(
        r"a NO \[LIMIT\] Too many connections of this account \(1 from 127.0.0.1\) \(r-\w+\)",
        answer,
    )


STARTTLS = Entry(tls="starttls")


def test_starttls_is_offered_once_and_takes_nothing_from_before() -> None:
    client = World(tls=True, plaintext="tls").connect(entry=STARTTLS)
    assert " STARTTLS " in client.greeting[0]

    answer = client.send("a STARTTLS", "b NOOP")
    assert answer == ["a OK Begin TLS negotiation now"]
    client.start_tls()

    assert client.send("c CAPABILITY")[0].count("AUTH=PLAIN") == 1
    assert "STARTTLS" not in client.send("d CAPABILITY")[0]
    assert client.tagged("STARTTLS") == "BAD TLS is active already"
    assert client.tagged("LOGIN alice secret").startswith("OK ")


def test_starttls_without_a_certificate_is_not_there() -> None:
    client = World().connect(entry=STARTTLS)

    assert client.tagged("STARTTLS") == "BAD TLS is not available here"


# --- trouble inside ---------------------------------------------------------------------------


class Broken(Exception):
    pass


def append_fails(world: World, error: Exception) -> ImapClient:
    async def append(name: str, messages: list[Incoming]) -> Appended:
        raise error

    world.alice.append = append  # type: ignore[assignment, method-assign]
    return world.connect("alice")


def test_an_unexpected_exception_is_logged_and_not_shown(events: Events) -> None:
    client = append_fails(World(), Broken("the secret inside"))

    answer = client.send("a APPEND INBOX {3+}", "abc")

    assert re.fullmatch(r"a NO \[SERVERBUG\] Internal error \(r-\w+\)", answer[0])
    assert client.tagged("NOOP") == "OK NOOP completed"
    assert "Broken" in str(events)
    events.clear()


def test_an_exception_outside_of_a_command_ends_the_connection(events: Events) -> None:
    client = World().connect("alice")

    async def ready() -> None:
        raise Broken("the secret inside")

    client.protocol.ready = ready  # type: ignore[method-assign]

    assert client.send("a NOOP") == ["a OK NOOP completed", "* BYE [SERVERBUG] Internal error"]
    assert client.closed
    assert "connection.crashed" in events.names()
    events.clear()


def test_a_refusal_that_people_ask_about_carries_a_reason_id(events: Events) -> None:
    client = append_fails(World(), OverQuota())

    answer = client.send("a APPEND INBOX {3+}", "abc")

    found = re.fullmatch(r"a NO \[OVERQUOTA\] The mailbox is full \((r-\w+)\)", answer[0])
    assert found
    assert found[1] in str(events)


# --- the flight record ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        ["a LOGIN alice s3cr3t"],
        ['a LOGIN alice "s3cr3t'],
        ["a LOGIN alice {6+}", "s3cr3t"],
        ["a LOGIN (s3cr3t"],
        ["a LOGIN alice s3cr3t more"],
        ["a AUTHENTICATE PLAIN s3cr3t"],
        ["a AUTHENTICATE PLAIN", "s3cr3t"],
        ["a AUTHENTICATE PLAIN NONSENSE s3cr3t"],
        ["a LOGON alice s3cr3t"],
        ["s3cr3t"],
        ["a s3cr3t"],
        ["(s3cr3t"],
        ["a SEARCH TEXT {6+}", "s3cr3t"],
        ["a APPEND INBOX {6+}", "s3cr3t"],
        ["a LOGIN alice {6}", "s3cr3t"],
        ["a LOGIN " + "s3cr3t" * 20_000],
    ],
)
def test_no_secret_and_no_literal_is_recorded(lines: list[str]) -> None:
    client = World().connect()
    client.send(*lines)
    client.wait(2)

    assert "s3cr3t" not in client.protocol.recorder.text()


def test_message_text_is_not_recorded() -> None:
    world = World()
    world.deliver(data=message("s3cr3t"))
    client = world.connect("alice")
    client.select()
    assert "s3cr3t" in str(client.ok("FETCH 1 (ENVELOPE BODY[])"))

    record = client.protocol.recorder.text()
    assert "s3cr3t" not in record
    assert "FETCH 1 (ENVELOPE BODY[])" in record
    assert "OK FETCH completed" in record


def test_what_is_deleted_is_in_the_log(events: Events) -> None:
    world = World()
    for _ in range(3):
        world.deliver(flags=("\\Deleted",))
    client = world.connect("alice")
    client.send("a CREATE old")
    client.send("b SELECT INBOX")
    client.send("c UID EXPUNGE 1")
    client.send("d CLOSE")
    client.send("e DELETE old")
    told = [e for e in events if e.get("event") in ("mail.expunged", "mailbox.deleted")]
    assert [(e["mailbox"], e.get("count")) for e in told] == [
        ("INBOX", 1),
        ("INBOX", 2),
        ("old", None),
    ]

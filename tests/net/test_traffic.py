"""What a session tells at its end."""

from __future__ import annotations

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from mailhub.net.traffic import MAX_MAILBOXES, MAX_RANGES, Traffic
from tests.events import Events
from tests.harness import message
from tests.imap.harness import World
from tests.pop3.client import Pop3World


def test_scattered_messages_are_counted_but_not_all_kept() -> None:
    traffic = Traffic()
    for number in range(1, 10 * MAX_RANGES):
        traffic.retrieved(1, [number * 2])
    told = traffic.fields()
    assert told["messages"] == 10 * MAX_RANGES - 1
    assert told["retrieved_partly"] is True
    assert len(str(told["retrieved"])) < 500


def test_what_is_taken_again_and_in_any_order_is_one_set() -> None:
    traffic = Traffic()
    for _ in range(3):
        traffic.retrieved(1, range(300, 0, -1))
        traffic.retrieved(2, [7])
    told = traffic.fields()
    assert told["messages"] == 903
    assert told["retrieved"] == {"1": "1:300", "2": "7"}


def test_of_many_mailboxes_the_first_are_kept() -> None:
    traffic = Traffic()
    for mailbox in range(MAX_MAILBOXES + 1):
        traffic.retrieved(mailbox, [1])
    told = traffic.fields()
    assert told["messages"] == MAX_MAILBOXES + 1
    assert told["retrieved_partly"] is True
    assert told["retrieved"] == {str(mailbox): "1" for mailbox in range(MAX_MAILBOXES)}


def test_a_pop3_session_tells_which_messages_it_took(events: Events) -> None:
    world = Pop3World()
    world.add(*(message(str(n)) for n in range(4)))
    client = world.client()
    client.say("LIST", "TOP 4 0", "RETR 1", "RETR 2", "RETR 2")
    client.vanish()
    told = events["session.closed"]
    assert told["account"] == "alice@example.org"
    assert (told["messages"], list(told["retrieved"].values())) == (3, ["1:2"])
    assert told["octets_in"] > len("USER alice\r\nPASS open sesame\r\nRETR 1\r\n")
    assert told["octets_out"] > 3 * len(message("0"))


def test_an_imap_session_tells_what_it_fetched_whole_and_not_what_it_looked_at(
    events: Events,
) -> None:
    world = World()
    for n in range(6):
        world.deliver(data=message(str(n)))
    client = world.connect("alice")
    for command in (
        "SELECT INBOX",
        "FETCH 1:6 (FLAGS ENVELOPE BODY.PEEK[HEADER] BODY.PEEK[]<0.10>)",
        "FETCH 1:2 BODY[]",
        "FETCH 5 RFC822",
        "UID FETCH 6 (BODY.PEEK[TEXT])",
    ):
        client.send(f"a {command}")
    client.protocol.connectionLost(Failure(ConnectionDone()))
    told = events["session.closed"]
    assert (told["messages"], list(told["retrieved"].values())) == (4, ["1:2,5:6"])
    assert told["protocol"] == "imap"


def test_who_never_logged_in_had_no_session(events: Events) -> None:
    Pop3World().connect().vanish()
    assert "session.closed" not in events.names()

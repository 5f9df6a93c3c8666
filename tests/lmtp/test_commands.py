from __future__ import annotations

import pytest

from mailhub.config.options import Limits, LmtpConfig
from mailhub.delivery.delivery import Delivery
from mailhub.interfaces import IStaging
from mailhub.lmtp.errors import reply_for
from mailhub.lmtp.factory import LMTPFactory
from mailhub.model.errors import AccountDisabled, OverQuota, Refusal, StorageFull, Unavailable
from tests.events import Events
from tests.lmtp.client import LmtpWorld
from tests.memory_store import MemoryStaging, MemoryStore
from tests.peer import Peer

ENVELOPE = ("MAIL FROM:<ann@example.com>", "RCPT TO:<alice@example.org>")


def codes(lines: list[str]) -> list[str]:
    """Code and enhanced status of each final reply line."""
    return [" ".join(line.split(" ", 2)[:2]) for line in lines if line[3:4] == " "]


@pytest.fixture
def world() -> LmtpWorld:
    return LmtpWorld()


@pytest.fixture
def client(world: LmtpWorld) -> Peer:
    return world.client()


# --- what is refused


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("XYZZY", "500 5.5.2"),
        ("", "500 5.5.2"),
        ("\x80\x81", "500 5.5.2"),
        ("HELO a", "500 5.5.1"),
        ("EHLO a", "500 5.5.1"),
        ("LHLO", "501 5.5.4"),
        ("LHLO a b", "501 5.5.4"),
        ("EXPN staff", "500 5.5.2"),
        ("AUTH PLAIN", "500 5.5.2"),
        ("RCPT TO:<alice@example.org>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("DATA now", "501 5.5.4"),
        ("BDAT 0 LAST", "503 5.5.1"),
        ("BDAT x", "501 5.5.4"),
        ("MAIL FROM:<a@b.example", "501 5.1.7"),
        ("MAIL FROM:<a@b.example> SIZE=999999999999", "552 5.3.4"),
        ("STARTTLS", "502 5.5.1"),
        ("STARTTLS now", "501 5.5.4"),
    ],
)
def test_what_cannot_be_is_refused_and_the_dialogue_goes_on(
    client: Peer, command: str, reply: str
) -> None:
    assert codes(client.say(command, "NOOP")) == [reply, "250 2.0.0"]


def test_mail_wants_lhlo_first(world: LmtpWorld) -> None:
    client = world.connect()
    client.lines()

    assert codes(client.say("MAIL FROM:<>")) == ["503 5.5.1"]


def test_a_second_mail_is_out_of_order(client: Peer) -> None:
    assert codes(client.say("MAIL FROM:<>", "MAIL FROM:<>")) == ["250 2.1.0", "503 5.5.1"]


def test_data_without_a_valid_recipient_is_refused(client: Peer) -> None:  # 2033 4.2
    replies = client.say("MAIL FROM:<>", "RCPT TO:<nobody@example.org>", "DATA")

    assert codes(replies) == ["250 2.1.0", "550 5.1.1", "503 5.5.1"]


@pytest.mark.parametrize(
    ("refusal", "reply"),
    [
        (AccountDisabled(), "550 5.2.1"),
        (OverQuota(), "552 5.2.2"),
        (Unavailable(), "451 4.3.0"),
        (Refusal("Not today"), "550 5.7.1"),
    ],
)
def test_each_trouble_with_a_recipient_has_its_code(
    world: LmtpWorld, client: Peer, refusal: Refusal, reply: str
) -> None:
    world.book.refusals["alice@example.org"] = refusal

    assert codes(client.say(*ENVELOPE)) == ["250 2.1.0", reply]


def test_recipients_beyond_the_limit_are_told_to_come_again() -> None:  # 5321 4.5.3.1.10
    client = LmtpWorld(config=LmtpConfig(max_recipients=1)).client()

    replies = client.say(*ENVELOPE, "RCPT TO:<bob@example.org>", "DATA")

    assert codes(replies)[1:3] == ["250 2.1.5", "452 4.5.3"]
    assert replies[-1].startswith("354 ")


def test_too_many_bad_commands_end_the_dialogue() -> None:
    client = LmtpWorld(config=LmtpConfig(max_bad_commands=3)).client()

    assert codes(client.say("X", "NOOP", "X", "X")) == [
        "500 5.5.2",
        "250 2.0.0",
        "500 5.5.2",
        "500 5.5.2",
    ]
    assert codes(client.say("X", "NOOP")) == ["500 5.5.2", "421 4.7.0"]
    assert client.closed


# --- what is served


def test_the_greeting_names_the_server_and_lhlo_lists_what_it_can(world: LmtpWorld) -> None:
    client = world.connect()

    assert client.lines() == ["220 mail.example.org LMTP mailhub ready"]
    assert client.say("lhlo client.example") == [
        "250-mail.example.org",
        "250-PIPELINING",
        "250-8BITMIME",
        "250-SMTPUTF8",
        "250-ENHANCEDSTATUSCODES",
        f"250-SIZE {Limits().max_message}",
        "250 CHUNKING",
    ]


def test_small_commands_are_answered(client: Peer) -> None:
    replies = client.say("NOOP", "NOOP at all", "VRFY alice", "HELP", "RSET", "QUIT")

    assert [reply[:3] for reply in replies] == ["250", "250", "252", "214", "250", "221"]
    assert client.closed


def test_a_message_is_filed_with_its_trace(world: LmtpWorld, client: Peer) -> None:
    replies = client.say(*ENVELOPE, "DATA", "Subject: x", "", "..dots", "text", ".")

    assert [reply[:3] for reply in replies] == ["250", "250", "354", "250"]
    assert world.bodies() == [b"Subject: x\r\n\r\n.dots\r\ntext\r\n"]
    assert world.mail()[0].startswith(
        b"Return-Path: <ann@example.com>\r\n"
        b"Delivered-To: alice@example.org\r\n"
        b"Received: from client.example ([192.168.1.1])\r\n"
        b"\tby mail.example.org (mailhub)\r\n"
        b"\twith LMTP id "
    )
    assert not world.store.open_stagings


def test_each_recipient_has_a_reply_of_its_own(world: LmtpWorld, client: Peer) -> None:
    client.say(*ENVELOPE, "RCPT TO:<nobody@example.org>", "RCPT TO:<bob@example.org>", "DATA")
    world.store.accounts.pop(world.book.accounts["alice@example.org"])

    replies = client.say("x", ".")

    assert codes(replies) == ["550 5.1.1", "250 2.0.0"]
    assert world.bodies("bob") == [b"x\r\n"]


def test_two_messages_and_quit_in_one_packet(world: LmtpWorld, client: Peer) -> None:  # 2920
    message = [*ENVELOPE, "DATA", "x", "."]

    replies = client.say(*message, *message, "QUIT")

    assert [reply[:3] for reply in replies] == ["250", "250", "354", "250"] * 2 + ["221"]
    assert len(world.mail()) == 2
    assert client.closed


def test_rset_forgets_the_envelope(client: Peer) -> None:
    assert codes(client.say(*ENVELOPE, "RSET", "DATA"))[2:] == ["250 2.0.0", "503 5.5.1"]


def test_lhlo_resets_as_rset_does(client: Peer) -> None:  # 5321 4.1.4
    assert codes(client.say(*ENVELOPE, "LHLO again", "DATA"))[-1] == "503 5.5.1"


def test_a_bounce_has_an_empty_return_path(world: LmtpWorld, client: Peer) -> None:
    client.say("MAIL FROM:<>", ENVELOPE[1], "DATA", "x", ".")

    assert world.mail()[0].startswith(b"Return-Path: <>\r\n")


def test_a_recipient_without_domain_gets_the_default_one() -> None:
    world = LmtpWorld(config=LmtpConfig(default_domain="example.org"))

    assert codes(world.client().say("MAIL FROM:<>", "RCPT TO:<alice>"))[1] == "250 2.1.5"


def test_utf8_mail_says_so_in_its_trace(world: LmtpWorld, client: Peer) -> None:  # 6531 4.3
    client.say("MAIL FROM:<ü@b.example> SMTPUTF8", ENVELOPE[1], "DATA", "x", ".")

    assert "Return-Path: <ü@b.example>\r\n".encode() in world.mail()[0]
    assert b"with UTF8LMTP id" in world.mail()[0]


# --- large messages


def test_a_message_above_the_limit_is_read_to_its_end_and_refused() -> None:
    world = LmtpWorld(limits=Limits(max_message=100))
    client = world.client()

    replies = client.say(*ENVELOPE, ENVELOPE[1], "DATA", "x" * 150, ".", "NOOP")

    assert codes(replies)[-3:] == ["552 5.3.4", "552 5.3.4", "250 2.0.0"]
    assert not world.mail()
    assert not world.store.open_stagings


def test_whoever_goes_on_sending_for_ever_is_cut_off() -> None:
    world = LmtpWorld(limits=Limits(max_message=100))
    client = world.client()
    client.say(*ENVELOPE, "DATA")

    assert codes(client.say("x" * 201)) == ["421 4.3.4"]
    assert client.closed
    assert not world.store.open_stagings


# --- trouble


def test_without_space_no_message_is_taken_in(
    world: LmtpWorld, client: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stage(self: MemoryStore, size_hint: int = 0) -> IStaging:
        raise StorageFull

    monkeypatch.setattr(MemoryStore, "stage", stage)

    assert codes(client.say(*ENVELOPE, "DATA", "NOOP"))[2:] == ["452 4.3.1", "250 2.0.0"]


def test_when_space_runs_out_the_rest_of_the_message_is_read_and_dropped(
    world: LmtpWorld, client: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(self: MemoryStaging, data: bytes) -> None:
        self.discard()
        raise StorageFull

    monkeypatch.setattr(MemoryStaging, "write", write)

    replies = client.say(*ENVELOPE, "DATA", "x", ".", "NOOP")

    assert codes(replies)[-2:] == ["452 4.3.1", "250 2.0.0"]
    assert not world.store.open_stagings


def test_an_internal_error_keeps_the_message_in_the_clients_queue(
    client: Peer, monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    monkeypatch.delattr(Delivery, "deliver")

    replies = client.say(*ENVELOPE, "DATA", "x", ".")

    assert codes(replies)[-1] == "421 4.3.0"
    assert "AttributeError" not in replies[-1]
    assert events["command.failed"]["reason_id"] in replies[-1]
    assert client.closed


def test_every_refusal_carries_an_id_that_the_log_knows(client: Peer, events: Events) -> None:
    replies = client.say("LHLO there", "MAIL FROM:<a@b.example>", "RCPT TO:<nobody@example.org>")

    entry = events["recipient.refused"]
    assert replies[-1].endswith(f"({entry['reason_id']})")
    assert (entry["recipient"], entry["sender"]) == ("nobody@example.org", "a@b.example")
    assert (entry["outcome"], entry["protocol"]) == ("NoSuchRecipient", "lmtp")


def test_a_message_that_nobody_can_have_is_one_event_for_all_its_recipients(
    client: Peer, events: Events
) -> None:
    replies = client.say("LHLO there", "MAIL FROM:<a@b.example> SIZE=999999999999")

    entry = events["command.refused"]
    assert replies[-1].endswith(f"({entry['reason_id']})")
    assert (entry["command"], entry["outcome"]) == ("MAIL", "MessageTooLarge")


def test_a_filter_may_refuse_in_any_way() -> None:
    assert reply_for(Refusal("No thanks")).code == 550
    assert reply_for(ZeroDivisionError("secret")).encode() == (
        b"451 4.3.0 Internal error, try again later\r\n"
    )


def test_too_many_connections_are_told() -> None:
    world = LmtpWorld(limits=Limits(max_connections=1))
    world.client()

    assert codes(world.connect().lines()) == ["421 4.7.0"]


def test_the_administrators_end_is_told(client: Peer) -> None:
    client.protocol.end("The server is going down")

    assert client.lines() == ["421 4.3.2 The server is going down"]
    assert client.closed


def test_a_factory_needs_nothing_but_a_delivery(world: LmtpWorld) -> None:
    factory = LMTPFactory(world.delivery)

    assert factory.buildProtocol(None).host is factory.buildProtocol(None).host


# --- BDAT


def test_chunks_make_a_message_byte_for_byte(world: LmtpWorld, client: Peer) -> None:  # 3030
    client.say(*ENVELOPE)

    replies = client.send(b"BDAT 7\r\n.\r\n\r\n.\rBDAT 2\r\n\nxBDAT 0 LAST\r\nQUIT\r\n")

    assert codes(replies) == ["250 2.0.0", "250 2.0.0", "250 2.0.0", "221 2.0.0"]
    assert world.bodies() == [b".\r\n\r\n.\r\nx"]


def test_the_last_chunk_is_answered_once_per_recipient(world: LmtpWorld, client: Peer) -> None:
    client.say(*ENVELOPE, "RCPT TO:<bob@example.org>")

    assert codes(client.send(b"BDAT 3 LAST\r\nx\r\n")) == ["250 2.0.0", "250 2.0.0"]
    assert world.bodies("alice") == world.bodies("bob") == [b"x\r\n"]


def test_a_chunk_out_of_order_is_swallowed(client: Peer) -> None:
    assert codes(client.send(b"BDAT 6\r\nNOOP\r\nNOOP\r\n")) == ["503 5.5.1", "250 2.0.0"]


@pytest.mark.parametrize("word", ["LASTT", "LAST extra", "NOOP"])
def test_a_chunk_behind_a_malformed_bdat_is_no_command(client: Peer, word: str) -> None:
    client.say(*ENVELOPE)

    replies = client.send(b"BDAT 6 %b\r\nQUIT\r\nNOOP\r\n" % word.encode())

    assert codes(replies) == ["501 5.5.4", "250 2.0.0"]


def test_data_after_bdat_is_refused(client: Peer) -> None:  # 3030 2
    client.say(*ENVELOPE)

    replies = client.send(b"BDAT 1\r\nxDATA\r\nRCPT TO:<bob@example.org>\r\nBDAT 0 LAST\r\n")

    assert codes(replies) == ["250 2.0.0", "503 5.5.1", "503 5.5.1", "250 2.0.0"]


def test_after_a_refused_chunk_only_rset_helps() -> None:  # 3030 4.2
    world = LmtpWorld(limits=Limits(max_message=5))
    client = world.client()
    client.say(*ENVELOPE)

    replies = client.send(b"BDAT 6\r\nxxxxxxBDAT 1 LAST\r\nxRSET\r\n")

    assert codes(replies) == ["552 5.3.4", "503 5.5.1", "250 2.0.0"]
    assert not world.mail()
    assert not world.store.open_stagings


def test_a_chunk_of_absurd_size_is_not_waited_for() -> None:
    client = LmtpWorld(limits=Limits(max_message=5)).client()
    client.say(*ENVELOPE)

    assert codes(client.say("BDAT 99999999999")) == ["552 5.3.4"]
    assert client.closed


# --- endings


@pytest.mark.parametrize("last", ["", "DATA", "DATA\r\nhalf a mess", "BDAT 10\r\nhalf"])
def test_a_client_that_vanishes_leaves_nothing_behind(
    world: LmtpWorld, client: Peer, last: str
) -> None:
    client.say(*ENVELOPE)
    client.send(last + "\r\n" if last == "DATA" else last)

    client.vanish()

    assert not world.mail()
    assert not world.store.open_stagings


def test_a_silent_client_is_told_goodbye(world: LmtpWorld, client: Peer) -> None:
    world.clock.advance(Limits().lmtp_timeout + 1)

    assert codes(client.lines()) == ["421 4.4.2"]
    assert client.closed


def test_one_byte_at_a_time_is_as_good_as_any(world: LmtpWorld, client: Peer) -> None:
    dialogue = "\r\n".join([*ENVELOPE, "DATA", "..x", "", ".", "QUIT", ""]).encode()

    for octet in dialogue:
        client.push(bytes([octet]))

    assert [line[:3] for line in client.lines()] == ["250", "250", "354", "250", "221"]
    assert world.bodies() == [b".x\r\n\r\n"]


def test_a_browser_gets_no_second_line_in(client: Peer) -> None:
    replies = client.say("POST / HTTP/1.1", "LHLO evil", *ENVELOPE, "DATA", "x", ".")

    assert codes(replies) == ["500 5.5.2"]
    assert client.closed


def test_wherever_the_line_is_cut_a_message_is_filed_whole_or_not_at_all() -> None:
    world = LmtpWorld()
    dialogue = "\r\n".join(["LHLO a", *ENVELOPE, "DATA", "..x", ".", "NOOP", ""]).encode()
    end = dialogue.index(b"\r\n.\r\n") + 5

    for length in range(len(dialogue)):
        client = world.connect()
        client.push(dialogue[:length])
        before = len(world.mail())
        client.vanish()

        assert len(world.mail()) == before == max(0, length - end + 1)
        assert not world.store.open_stagings
    assert set(world.bodies()) == {b".x\r\n"}

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.pop3.surrogate import INVALID_ADDRESS, needs_utf8, surrogate
from tests.peer import Peer
from tests.pop3.client import Pop3World, unstuffed

HEADER = (
    "Return-Path: <jürgen@example.de>\r\n"
    "Received: from a\r\n\tby b with UTF8LMTPS id c;\r\n\tdate\r\n"
    "From: Jürgen Groß <jürgen@example.de>\r\n"
    'To: "Ann, Example" <ann@example.com>, bob@exämple.com\r\n'
    "Subject: Grüße aus\r\n Köln\r\n"
    "X-Plain:  kept   as it is\r\n"
    'Content-Type: text/plain; charset=utf-8; name="Grüße.txt"\r\n'
    "\r\n"
).encode()
BODY = "Grüße\r\n.\r\n".encode()


def parsed(header: bytes) -> EmailMessage:
    return email.message_from_bytes(header, policy=email.policy.default)


def test_a_surrogate_is_ascii_and_says_as_much_as_it_can() -> None:
    made = surrogate(HEADER)

    assert made.isascii()
    message = parsed(made)
    assert message["Subject"] == "Grüße aus Köln"
    assert [(a.display_name, a.addr_spec) for a in message["To"].addresses] == [
        ("Ann, Example", "ann@example.com"),
        ("", INVALID_ADDRESS.decode()),
    ]
    assert message["From"].addresses[0].display_name == "Jürgen Groß"
    assert message.get_filename() == "Grüße.txt"
    assert b"X-Plain:  kept   as it is\r\n" in made
    assert made.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "header",
    [
        b"Received: by b with UTF8LMTP id c\r\nSubject: x\r\n\r\n",
        "Subject: Grüße\r\n\r\n".encode(),
        "Received: by b with LMTP id c\r\nSubject: with UTF8 Grüße\r\n\r\n".encode(),
    ],
)
def test_only_what_came_as_utf8_needs_a_surrogate(header: bytes) -> None:
    assert needs_utf8(HEADER)
    assert not needs_utf8(header)


def test_odd_fields_lose_no_more_than_they_must() -> None:
    header = "Received: with UTF8LMTP for <ü@b>\r\nü: x\r\nTo: gröup: ann@b, x;\r\n\r\n".encode()

    made = surrogate(header)

    assert made.startswith(b"Received: with UTF8LMTP for <??@b>\r\n??: x\r\n")
    assert b"<ann@b>" in made


@given(st.binary())
def test_any_header_has_a_surrogate_in_ascii(header: bytes) -> None:
    needs_utf8(header)
    assert surrogate(header).isascii()


@given(st.text(st.characters(codec="ascii")))
def test_ascii_is_kept_byte_for_byte(header: str) -> None:
    assert surrogate(header.encode()) == header.encode()


def response(client: Peer, command: str) -> tuple[bytes, bytes]:
    client.push(f"{command}\r\n")
    octets = client.octets()
    return octets.partition(b"\r\n")[0], unstuffed(octets)


def test_a_client_in_utf8_mode_gets_the_message_as_it_is() -> None:  # 6856 2.1
    world = Pop3World()
    world.add(HEADER + BODY)
    client = world.connect()
    client.say("UTF8", "USER alice", "PASS open sesame")

    assert response(client, "RETR 1")[1] == HEADER + BODY
    assert response(client, "TOP 1 9")[1] == HEADER + BODY


def test_another_client_gets_a_surrogate_and_its_true_size() -> None:  # 6856 2.1
    world = Pop3World()
    world.add(HEADER + BODY)
    client = world.client()

    status, message = response(client, "RETR 1")

    assert message == surrogate(HEADER) + BODY
    assert status == b"+OK %d octets" % len(message)
    assert response(client, "TOP 1 0")[1] == surrogate(HEADER)


def test_a_senders_mistake_is_passed_on() -> None:
    world = Pop3World()
    world.add(b"Subject: Gr\xfc\xdfe\r\n\r\nx\r\n")

    assert response(world.client(), "RETR 1")[1] == b"Subject: Gr\xfc\xdfe\r\n\r\nx\r\n"

"""SMTP smuggling: a message whose text looks like the end of one and the begin of another.

An upstream server that relays ``LF . LF`` (or any of its kin) as plain text must not thereby get
a second message, with a forged sender, into a mailbox here.
"""

from __future__ import annotations

import pytest

from tests.lmtp.client import LmtpWorld

SECOND = b"MAIL FROM:<boss@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nforged\r\n"
ENDS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r.\r\n",
    b"\n.\r",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n. \r\n",
    b"\r\n..\r\n",
    b"\n\n.\n\n",
]


@pytest.mark.parametrize("end", ENDS)
def test_only_the_true_end_ends_a_message(end: bytes) -> None:
    world = LmtpWorld()
    client = world.client()
    client.say("MAIL FROM:<ann@example.com>", "RCPT TO:<alice@example.org>", "DATA")

    replies = client.send(b"first" + end + SECOND + b".\r\n")

    assert len(replies) == 1
    assert len(world.mail("alice")) == 1
    assert SECOND in world.mail("alice")[0]
    assert not world.mail("bob")


@pytest.mark.parametrize("end", ENDS[:3])
def test_bare_line_ends_are_kept_as_they_came(end: bytes) -> None:
    world = LmtpWorld()
    client = world.client()
    client.say("MAIL FROM:<ann@example.com>", "RCPT TO:<alice@example.org>", "DATA")

    client.send(b"first" + end + b"last\r\n.\r\n")

    text = b"first\r\n\nlast\r\n" if end == b"\r\n.\n" else b"first" + end + b"last\r\n"
    assert world.bodies() == [text]


def test_a_command_that_ends_in_a_bare_lf_is_not_executed() -> None:
    world = LmtpWorld()

    replies = world.client().send(b"NOOP\nMAIL FROM:<boss@example.org>\nNOOP\r\n")

    assert [reply[:3] for reply in replies] == ["500", "500", "250"]


def test_a_command_hidden_in_an_argument_is_not_executed() -> None:
    world = LmtpWorld()

    replies = world.client().send(b"MAIL FROM:<a@b.example>\rRCPT TO:<bob@example.org>\r\n")

    assert [reply[:3] for reply in replies] == ["500"]


def test_what_follows_a_chunk_is_read_after_its_last_octet() -> None:
    world = LmtpWorld()
    client = world.client()
    client.say("MAIL FROM:<ann@example.com>", "RCPT TO:<alice@example.org>")
    text = b"first\r\n.\r\n" + SECOND

    replies = client.send(b"BDAT %d LAST\r\n" % len(text) + text + b"NOOP\r\n")

    assert len(replies) == 2
    assert world.bodies("alice") == [text]
    assert not world.mail("bob")

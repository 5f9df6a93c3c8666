"""The whole table of commands: their grammars never crash, their capabilities are told once."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailhub.imap import dispatch, registry
from mailhub.imap.errors import Bad
from mailhub.imap.registry import Command
from mailhub.imap.session import State
from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.imap.wire.events import CommandReady, Framed
from mailhub.imap.wire.framing import Framer, FramingLimits
from mailhub.imap.wire.reader import Reader
from mailhub.model.errors import Refusal
from tests.imap.harness import World

PIECES = st.one_of(
    st.binary(max_size=8),
    st.sampled_from(
        [b" ", b"(", b")", b'""', b'"x"', b"INBOX", b"*", b"%", b"1:*", b"$", b"{3+}\r\nabc"]
        + [b"{0+}\r\n", b"~{1+}\r\n\0", b"FLAGS", b"+FLAGS.SILENT", b"\\Seen", b"BODY[1.MIME]<0.1>"]
        + [b"BODY.PEEK[HEADER.FIELDS (To)]", b"RETURN", b"UID", b"NOT", b"OR", b"CHARSET UTF-8"]
        + [
            b"SUBSCRIBED",
            b"STATUS",
            b"MESSAGES",
            b"NIL",
            b"UTF8 (",
            b'" 7-Feb-1994 22:43:04 -0800"',
        ]
        + [b"7-Feb-1994", b"CHANGEDSINCE", b"UNCHANGEDSINCE", b"0", b"99999999999999999999", b"&"]
    ),
)
ARGUMENTS = st.lists(PIECES, max_size=12).map(lambda pieces: b"".join(pieces))


def framed(data: bytes) -> list[Framed]:
    framer = Framer(FramingLimits(65536, 65536, 10**6, 10**6), lambda _: False)
    framer.feed(data)
    found: list[Framed] = []
    while (event := framer.next_command()) is not None and len(found) < 20:
        if isinstance(event, CommandReady):
            found.append(event.command)
    return found


@given(st.sampled_from(registry.commands()), ARGUMENTS, st.booleans())
def test_any_arguments_give_a_command_or_a_refusal(
    command: Command, arguments: bytes, utf8: bool
) -> None:
    for each in framed(b"a " + command.name.encode() + arguments + b"\r\n"):
        try:
            found, r = dispatch.find(each, utf8=utf8)
            found.parse(r)
        except (Bad, SyntaxRefused, Refusal):
            continue


@given(st.binary(max_size=60))
@example(b"")
@example(b"a")
@example(b"a UID")
@example(b"a UID UID FETCH")
@example(b"\xff\xfe LOGIN")
def test_any_line_is_a_command_or_bad(line: bytes) -> None:
    try:
        command, r = dispatch.find(Framed(line), utf8=False)
    except Bad:
        return
    assert isinstance(r, Reader)
    assert registry.find(command.name) is command


@given(ARGUMENTS)
def test_asking_whether_a_literal_is_a_message_never_fails(arguments: bytes) -> None:
    for name in (b"APPEND", b"LOGIN", b"NONSENSE"):
        assert dispatch.is_message(Framed(b"a " + name + arguments)) in (True, False)


@pytest.mark.parametrize(
    ("text", "is_message"),
    [
        (b"a APPEND {5}\r\n", False),
        (b"a APPEND INBOX {5}\r\n", True),
        (b'a append "x y" (\\Seen) {5+}\r\n', True),
        (b"a LOGIN {5}\r\n", False),
        (b"a SEARCH TEXT {5}\r\n", False),
        (b"APPEND {5}\r\n", False),
    ],
)
def test_messages_are_the_literals_behind_the_mailbox_of_append(
    text: bytes, is_message: bool
) -> None:
    assert dispatch.is_message(Framed(text)) is is_message


def test_a_mailbox_in_a_literal_comes_before_the_message() -> None:
    assert dispatch.is_message(Framed(b"a APPEND {5}\r\n {9}\r\n", (b"INBOX",)))


def test_names_are_upper_case_and_secrets_are_marked() -> None:
    commands = registry.commands()

    assert all(command.name == command.name.upper() for command in commands)
    assert {c.name for c in commands if c.secret} == {"LOGIN", "AUTHENTICATE"}


def test_message_numbers_forbid_expunge() -> None:  # 9051 7.5.1
    forbidden = {c.name for c in registry.commands() if not c.expunge_ok}

    assert {"FETCH", "STORE", "SEARCH"} <= forbidden
    assert not forbidden & {"NOOP", "IDLE", "UID FETCH", "UID STORE"}


def test_everything_that_imap4rev2_has_is_there() -> None:  # 9051 6
    any_state = {"CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "AUTHENTICATE", "LOGIN"}
    logged_in = {"ENABLE", "SELECT", "EXAMINE", "CREATE", "DELETE", "RENAME", "SUBSCRIBE", "LIST"}
    logged_in |= {"UNSUBSCRIBE", "NAMESPACE", "STATUS", "APPEND", "IDLE", "CLOSE", "UNSELECT"}
    with_uids = {"COPY", "MOVE", "FETCH", "STORE", "SEARCH", "EXPUNGE"}
    names = {command.name for command in registry.commands()}

    assert names >= any_state | logged_in | with_uids | {f"UID {name}" for name in with_uids}


def test_capabilities_are_told_once_and_can_be_hidden() -> None:
    world = World(hidden_capabilities=("idle", "AUTH=LOGIN"))
    client = world.connect()

    told = client.send("a CAPABILITY")[0].split()[2:]

    assert len(told) == len(set(told))
    assert "IDLE" not in told
    assert "AUTH=LOGIN" not in told
    assert "AUTH=PLAIN" in told


@pytest.mark.parametrize("command", registry.commands(), ids=lambda c: c.name)
def test_every_command_is_refused_in_the_wrong_state(command: Command) -> None:
    world = World()
    if command.state in (State.AUTHENTICATED, State.SELECTED):
        answer = world.connect().tagged(f"{command.name} x")
        assert answer == "BAD Log in first"
    if command.state is State.SELECTED:
        answer = world.connect("alice").tagged(f"{command.name} x")
        assert answer == "BAD Select a mailbox first"
    if command.state is State.NOT_AUTHENTICATED:
        answer = world.connect("alice").tagged(f"{command.name} x")
        assert answer == "BAD You are logged in already"

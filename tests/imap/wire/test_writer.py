"""What is written is what the grammar allows, whatever the text in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.imap.wire.events import CommandReady, Framed
from mailhub.imap.wire.framing import Framer, FramingLimits
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.writer import (
    Astring,
    Code,
    Item,
    Mailbox,
    NString,
    Quoted,
    Raw,
    Text,
    line,
    literal,
    render,
    string,
)
from mailhub.model.errors import BadMailboxName
from mailhub.model.names import mailbox_name

TEXT = st.text()
PLAIN_NAME = TEXT.filter(lambda t: t.replace("/", "") != "" and "//" not in t).map(
    lambda t: "x" + t.strip("/")
)


def reread(written: bytes, *, utf8: bool = False) -> Reader:
    """A reader at *written*, framed as a client's command would be (with {n+} for {n})."""
    framer = Framer(FramingLimits(10**6, 10**6, 10**7, 10**7), lambda _: False)
    framer.feed(written + b"\r\n")
    while not isinstance(event := framer.next_command(), CommandReady):
        assert event is not None
    return Reader(event.command, utf8=utf8)


@pytest.mark.parametrize("text", ["", "a b", "a\r\nb", 'a"', "{3}", "é", "a\0", "(", ")"])
def test_a_string_that_is_no_atom_is_a_programming_error(text: str) -> None:
    with pytest.raises(ValueError, match="not an atom"):
        render([text])


@pytest.mark.parametrize(
    ("items", "written"),
    [
        (["OK", Code("UIDNEXT", 5), Text("fine")], b"OK [UIDNEXT 5] fine"),
        ([["\\Seen", "$x"], []], b"(\\Seen $x) ()"),
        ([Astring("INBOX"), Astring("a b"), Astring("")], b'INBOX "a b" ""'),
        ([Astring("nil")], b'"nil"'),
        ([Astring("a]b"), Astring("a*")], b'"a]b" "a*"'),
        ([Quoted('a"\\')], b'"a\\"\\\\"'),
        ([NString(None), NString(""), NString("NIL")], b'NIL "" "NIL"'),
        ([NString(b"a\r\nb")], b"{4}\r\na\r\nb"),
        ([NString(b"a\0b")], b"~{3}\r\na\0b"),
        ([NString("é")], b"{2}\r\n\xc3\xa9"),
        ([Quoted("x" * 1025)], b"{1025}\r\n" + b"x" * 1025),
        ([Mailbox("Entwürfe")], b"Entw&APw-rfe"),
        ([Mailbox("A&B")], b"A&-B"),
        ([Raw(b"(whatever)")], b"(whatever)"),
        ([Text("tabs\tand\r\nlines é")], b"tabs?and??lines ?"),
    ],
)
def test_values_are_written(items: list[Item], written: bytes) -> None:
    assert render(items) == written


def test_utf8_names_are_quoted_where_they_are_allowed() -> None:
    assert render([Mailbox("Entwürfe")], utf8=True) == '"Entwürfe"'.encode()
    assert render([Mailbox("A&B")], utf8=True) == b"A&B"
    assert render([NString(b"\xff")], utf8=True) == b"{1}\r\n\xff"


@given(st.binary())
def test_a_string_reads_as_itself(data: bytes) -> None:
    assert reread(b"a " + string(data) + b" b").tag() == "a"
    r = reread(string(data) + b" b")
    assert r.string() == data
    assert r.accept(b" b")
    r.end()


@pytest.mark.parametrize("octet", range(256))
def test_every_tag_atom_and_flag_that_can_be_read_can_be_written(octet: int) -> None:
    for token in (Reader.tag, Reader.atom, Reader.flag):
        text = b"x%cx" % octet
        try:
            found = token(Reader(Framed(text)))
        except SyntaxRefused:
            continue
        assert text.startswith(render([found]))


@given(st.binary())
def test_a_literal_reads_as_itself(data: bytes) -> None:
    assert reread(literal(data)).string() == data


@given(TEXT, st.booleans())
def test_an_astring_reads_as_itself(text: str, utf8: bool) -> None:
    assert reread(render([Astring(text)], utf8=utf8)).astring() == text


@given(PLAIN_NAME, st.booleans())
def test_a_mailbox_name_reads_as_itself(text: str, utf8: bool) -> None:
    try:
        name = mailbox_name(text)
    except BadMailboxName:
        return
    assert reread(render([Mailbox(name)], utf8=utf8), utf8=utf8).mailbox() == name


@given(st.lists(st.one_of(TEXT.map(Quoted), TEXT.map(Astring), TEXT.map(Text), TEXT.map(Mailbox))))
def test_no_text_can_end_a_line(items: list[Item]) -> None:
    framer = Framer(FramingLimits(10**6, 10**6, 10**7, 10**7), lambda _: False)
    framer.feed(line("*", *items))
    events = []
    while (event := framer.next_command()) is not None:
        events.append(event)

    assert sum(isinstance(event, CommandReady) for event in events) == 1
    assert isinstance(events[-1], CommandReady)
    assert isinstance(events[-1].command, Framed)

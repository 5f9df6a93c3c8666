"""The grammar's tokens: malformed forms first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.imap.wire.events import Framed
from mailhub.imap.wire.reader import Reader
from mailhub.model.errors import BadMailboxName


def reader(text: bytes, *literals: bytes, utf8: bool = False) -> Reader:
    return Reader(Framed(text, literals), utf8=utf8)


@pytest.mark.parametrize(
    ("token", "text"),
    [
        (Reader.sp, b""),
        (Reader.sp, b"x"),
        (Reader.tag, b""),
        (Reader.tag, b"+"),
        (Reader.tag, b"\x80"),
        (Reader.atom, b""),
        (Reader.atom, b'"a"'),
        (Reader.atom, b"]"),
        (Reader.word, b"\\x"),
        (Reader.number, b""),
        (Reader.number, b"-1"),
        (Reader.number, b"4294967296"),
        (Reader.number, b"9" * 30),
        (Reader.nz_number, b"0"),
        (Reader.number64, b"9223372036854775808"),
        (Reader.string, b""),
        (Reader.string, b"atom"),
        (Reader.string, b'"open'),
        (Reader.string, b'"open\\"'),
        (Reader.string, b'"cr\rinside"'),
        (Reader.string, b'"nul\0inside"'),
        (Reader.string, b"{3}"),
        (Reader.string, b"{3}\r\n"),
        (Reader.astring, b"("),
        (Reader.astring, b"a\x00"[1:]),
        (Reader.flag, b"\\"),
        (Reader.flag, b"\\Nonsense"),
        (Reader.flag, b"\\*"),
        (Reader.flag, b"k" * 101),
        (Reader.flag, b"\xe9"),
        (Reader.flag_list, b"\\Seen"),
        (Reader.flag_list, b"(\\Seen"),
        (Reader.flag_list, b"(\\Seen  \\Draft)"),
        (Reader.flags, b""),
        (Reader.sequence_set, b"x"),
        (Reader.sequence_set, b"0"),
        (Reader.date, b"tomorrow"),
        (Reader.date_time, b"17-Jul-1996"),
        (Reader.date_time, b'"17-Jul-1996"'),
        (Reader.mailbox, b""),
        (Reader.mailbox, b"(x)"),
        (Reader.list_mailbox, b"("),
        (Reader.attribute, b"Seen"),
        (Reader.announced_literal, b"{3}\r\nx"),
        (Reader.end, b" x"),
    ],
)
def test_what_is_not_the_token_is_refused(token: Callable[[Reader], Any], text: bytes) -> None:
    with pytest.raises(SyntaxRefused):
        token(reader(text))


@pytest.mark.parametrize(
    "name",
    [b'""', b"a//b", b"/a", b"/", b'"a\tb"', b'"a\x7fb"', b"&", b"a&b", b"&2ADYAA-", b"x" * 1001],
)
def test_a_name_that_no_mailbox_can_have_is_refused_as_a_name(name: bytes) -> None:
    with pytest.raises(BadMailboxName):
        reader(name).mailbox()


@pytest.mark.parametrize("name", [b"a\r\nb", b"a\nb", b"a\0b"])
def test_a_name_in_a_literal_cannot_bring_line_ends(name: bytes) -> None:
    with pytest.raises((BadMailboxName, SyntaxRefused)):
        reader(b"{%d}\r\n" % len(name), name).mailbox()


@pytest.mark.parametrize(
    ("name", "utf8", "meant"),
    [
        (b"inbox", False, "INBOX"),
        (b'"InBox"', False, "INBOX"),
        (b"inbox/Sub", False, "INBOX/Sub"),
        (b"Sub/inbox", False, "Sub/inbox"),
        (b"Entw&APw-rfe", False, "Entwürfe"),
        (b"Entw&APw-rfe", True, "Entw&APw-rfe"),
        ("Entwürfe".encode(), False, "Entwürfe"),
        ('"Entwürfe"'.encode(), True, "Entwürfe"),
        ("Entwürfe".encode("latin-1"), False, "Entwürfe"),
        ("u\u0308ber".encode(), True, "über"),
        (b"A&B", True, "A&B"),
        (b'"A&-B"', False, "A&B"),
        (b"folder/", False, "folder"),
        (b'"a b/c"', False, "a b/c"),
        (b"a]b", False, "a]b"),
        (b'"100%"', False, "100%"),
        (b'"a\\\\b\\"c"', False, 'a\\b"c'),
        (b'"C:\\temp"', False, "C:temp"),
    ],
)
def test_mailbox_names_in_the_forms_that_clients_use(name: bytes, utf8: bool, meant: str) -> None:
    assert reader(name, utf8=utf8).mailbox() == meant


def test_a_name_given_in_another_unicode_form_is_known_to_be() -> None:
    decomposed = reader("u\u0308".encode(), utf8=True).given_mailbox()

    assert (decomposed.name, decomposed.given, decomposed.normalised) == ("ü", "u\u0308", True)
    assert not reader(b"inbox").given_mailbox().normalised


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (b"()", set()),
        (b"(\\seen \\DELETED)", {"\\Seen", "\\Deleted"}),
        (b"(\\Recent \\Seen)", {"\\Seen"}),
        (b"($Forwarded NonJunk)", {"$Forwarded", "NonJunk"}),
    ],
)
def test_flag_lists(text: bytes, flags: set[str]) -> None:
    assert reader(text).flag_list() == flags


def test_flags_may_stand_without_parentheses() -> None:
    assert reader(b"\\Seen $x \\recent").flags() == {"\\Seen", "$x"}


def test_a_list_of_items_may_be_empty_only_where_it_says_so() -> None:
    r = reader(b"()")
    with pytest.raises(SyntaxRefused):
        r.items(r.atom)
    r = reader(b"()")
    assert r.items(r.atom, may_be_empty=True) == []
    r = reader(b"(a b)")
    assert r.items(r.atom) == ["a", "b"]


def test_strings_come_as_octets_from_quotes_and_literals() -> None:
    r = reader(b'"a\\"b" {2}\r\n ~{3+}\r\n NIL', b"\r\n", b"a\0b")

    assert r.string() == b'a"b'
    r.sp()
    assert r.string() == b"\r\n"
    r.sp()
    assert r.string() == b"a\0b"
    r.sp()
    assert r.nstring() is None
    r.end()


def test_nul_is_for_binary_literals_only() -> None:
    with pytest.raises(SyntaxRefused):
        reader(b"{1}\r\n", b"\0").string()


def test_spaces_at_the_end_are_forgiven() -> None:
    reader(b"  ").end()


@pytest.mark.parametrize("text", [b"( a b)", b"(a b )", b"(  a b  )"])
def test_spaces_at_either_end_of_a_list_are_forgiven(text: bytes) -> None:
    r = reader(text)

    assert r.items(r.atom) == ["a", "b"]
    r.end()


@pytest.mark.parametrize("text", [b"()", b"( )"])
def test_a_list_of_nothing_is_empty(text: bytes) -> None:
    r = reader(text)

    assert r.items(r.atom, may_be_empty=True) == []
    r.end()


def test_a_refusal_names_the_place_and_shows_nothing_unprintable() -> None:
    refused = reader(b"\x07\xff\r rest of a line that is long").refused("Oops")

    assert str(refused) == "Oops at '??? rest of a line t'"
    assert str(reader(b"").refused("Oops")) == "Oops at the end"


TOKENS = st.sampled_from(
    [
        Reader.tag,
        Reader.atom,
        Reader.astring,
        Reader.string,
        Reader.nstring,
        Reader.number,
        Reader.number64,
        Reader.sequence_set,
        Reader.flag,
        Reader.flag_list,
        Reader.flags,
        Reader.mailbox,
        Reader.reference,
        Reader.list_mailbox,
        Reader.date,
        Reader.date_time,
        Reader.sp,
        Reader.end,
    ]
)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=12),
            st.sampled_from(
                [b'"', b"(", b")", b" ", b"\\", b"&-", b"1:*", b"{1}\r\n", b"~{1}\r\n"]
            ),
        )
    ).map(b"".join),
    st.lists(st.binary(max_size=3), max_size=2),
    st.lists(TOKENS, max_size=6),
    st.booleans(),
)
def test_any_octets_are_a_token_or_refused(
    text: bytes, literals: list[bytes], tokens: list[Callable[[Reader], Any]], utf8: bool
) -> None:
    r = reader(text, *literals, utf8=utf8)
    for token in tokens:
        try:
            token(r)
        except (SyntaxRefused, BadMailboxName):
            return

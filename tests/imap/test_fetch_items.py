from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.imap.commands.fetch import parse_fetch, parse_uid_fetch
from mailhub.imap.fetch.sections import Coding, Partial, Section, Text
from mailhub.imap.fetch_items import MAX_ITEMS, Asked, parse_items
from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.imap.wire.events import Framed
from mailhub.imap.wire.reader import Reader


def parsed(text: bytes, *literals: bytes) -> tuple[Asked, ...]:
    r = Reader(Framed(text, literals))
    asked = parse_items(r)
    r.end()
    return asked


def section_of(text: bytes) -> Section:
    (asked,) = parsed(text)
    assert asked.item.section is not None
    return asked.item.section


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"()",
        b"(FLAGS",
        b"FLAGS)",
        b"FLAGS UID",
        b"(FLAGS  UID)",
        b"(ALL)",
        b"(FLAGS FAST)",
        b"FLAG",
        b"FLAGS[]",
        b"BODY[",
        b"BODY[]x",
        b"BODY.PEEK",
        b"BODY[FOO]",
        b"BODY[0]",
        b"BODY[1.0]",
        b"BODY[01]",
        b"BODY[1.]",
        b"BODY[.1]",
        b"BODY[1..2]",
        b"BODY[1HEADER]",
        b"BODY[HEADER.1]",
        b"BODY[-1]",
        b"BODY[MIME]",
        b"BODY[HEADER.FIELDS]",
        b"BODY[HEADER.FIELDS ()]",
        b"BODY[HEADER.FIELDS DATE]",
        b"BODY[HEADER.FIELDS (DATE]",
        b"BODY[HEADER.FIELDS(DATE)]",
        b'BODY[HEADER.FIELDS ("")]',
        b'BODY[HEADER.FIELDS ("a b")]',
        b"BODY[HEADER.FIELDS (a:)]",
        b"BODY[HEADER (DATE)]",
        b"BODY[]<>",
        b"BODY[]<0.0>",
        b"BODY[]<.5>",
        b"BODY[]<0.5",
        b"BODY[]<-1.5>",
        b"BODY[]<0.99999999999999999999>",
        b"BINARY[HEADER]",
        b"BINARY[1.MIME]",
        b"BINARY.SIZE[1]<0.5>",
        b"BINARY.SIZE",
        b"BODYSTRUCTURE[1]",
        b"RFC822[1]",
        b"RFC822.SIZE.PEEK",
    ],
)
def test_what_is_no_fetch_item_is_refused(text: bytes) -> None:
    with pytest.raises(SyntaxRefused):
        parsed(text)


def test_a_literal_cannot_bring_a_line_end_into_a_field_name() -> None:
    with pytest.raises(SyntaxRefused):
        parsed(b"BODY[HEADER.FIELDS ({8}\r\n)]", b"a\r\n* BYE")


def test_a_fetch_of_very_many_items_is_refused() -> None:
    one = b"BODY.PEEK[]<0.1>"
    assert parsed(b"(" + b" ".join([one] * MAX_ITEMS) + b")")
    with pytest.raises(SyntaxRefused):
        parsed(b"(" + b" ".join([one] * (MAX_ITEMS + 1)) + b")")


def test_a_very_deep_section_is_refused() -> None:
    with pytest.raises(SyntaxRefused):
        parsed(b"BODY[" + b".".join([b"1"] * 10_000) + b"]")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param(b"UID", [b"UID"], id="one item without parentheses"),
        pytest.param(b"flags", [b"FLAGS"], id="lower case"),
        pytest.param(b"(UID Flags)", [b"UID", b"FLAGS"], id="a list"),
        pytest.param(b"FAST", [b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE"], id="FAST"),
        pytest.param(b"ALL", [b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE"], id="ALL"),
        pytest.param(
            b"full",
            [b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE", b"BODY"],
            id="FULL",
        ),
        pytest.param(
            b"(BODY BODY[] BODYSTRUCTURE)", [b"BODY", b"BODY[]", b"BODYSTRUCTURE"], id="BODY"
        ),
        pytest.param(b"rfc822.peek", [b"RFC822"], id="Outlook's obsolete item"),
        pytest.param(b"body.peek[header]", [b"BODY[HEADER]"], id="PEEK is not in the answer"),
        pytest.param(b"BODY[1.2.MIME]", [b"BODY[1.2.MIME]"], id="a part's MIME header"),
        pytest.param(b"BODY[]<5.10>", [b"BODY[]<5>"], id="only the origin is in the answer"),
        pytest.param(
            b'BODY.PEEK[3.header.fields.not (Date "X-%y")]<0.1>',
            [b'BODY[3.HEADER.FIELDS.NOT (Date "X-%y")]<0>'],
            id="field names as written",
        ),
        pytest.param(b"binary.peek[1]<0.9>", [b"BINARY[1]<0>"], id="BINARY"),
        pytest.param(b"BINARY[]", [b"BINARY[]"], id="BINARY of all"),
        pytest.param(b"BINARY.SIZE[1.1]", [b"BINARY.SIZE[1.1]"], id="BINARY.SIZE"),
    ],
)
def test_items_have_these_names_in_the_answer(text: bytes, names: list[bytes]) -> None:
    assert [asked.item.name for asked in parsed(text)] == names


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (b"BODY[]", True),
        (b"BODY[HEADER]", True),
        (b"BODY[]<0.1>", True),
        (b"BODY.PEEK[]", False),
        (b"BINARY[1]", True),
        (b"BINARY.PEEK[1]", False),
        (b"BINARY.SIZE[1]", False),
        (b"RFC822", True),
        (b"RFC822.TEXT", True),
        (b"RFC822.HEADER", False),
        (b"RFC822.PEEK", False),
        (b"BODY", False),
        (b"BODYSTRUCTURE", False),
        (b"ENVELOPE", False),
    ],
)
def test_which_items_set_seen(text: bytes, seen: bool) -> None:  # 9051 6.4.5, 3501 6.4.5
    assert [asked.seen for asked in parsed(text)] == [seen]


def test_a_section_is_read_whole() -> None:
    section = section_of(b"BODY.PEEK[4.1.HEADER.FIELDS (Subject DATE)]<10.20>")

    assert section == Section(
        (4, 1),
        Text.FIELDS,
        frozenset((b"subject", b"date")),
        Partial(10, 20),
        Coding.RAW,
    )


def test_a_partial_without_a_length_is_the_rest() -> None:
    asked = parsed(b"(BODY[]<7> BINARY.PEEK[1]<0>)")

    assert [each.item.name for each in asked] == [b"BODY[]<7>", b"BINARY[1]<0>"]
    assert section_of(b"BODY[]<7>").partial == Partial(7, 2**63 - 1)


def test_partials_may_be_as_large_as_rev2_allows() -> None:  # 9051 9: number64
    assert section_of(b"BODY[]<5000000000.1>").partial == Partial(5_000_000_000, 1)


@given(st.binary(max_size=60))
def test_any_bytes_are_items_or_are_refused(text: bytes) -> None:
    with suppress(SyntaxRefused):
        parsed(text.replace(b"{", b"("))


def test_what_is_remembered_of_uid_fetch_is_not_taken_for_fetch() -> None:
    """The words behind the set are parsed once for each of the two."""
    arguments = Framed(b" 1:* (FLAGS BODY[]) (CHANGEDSINCE 5 VANISHED)")
    for _ in range(2):
        found = parse_uid_fetch(Reader(arguments))
        assert (found.uid, found.wanted.vanished, found.wanted.changed_since) == (True, True, 5)
        assert found.wanted.sets_seen
        assert found.wanted.enables_condstore
        assert [item.name for item in found.wanted.plan.items] == [
            *(b"UID", b"FLAGS", b"BODY[]", b"MODSEQ")
        ]
        with pytest.raises(SyntaxRefused):
            parse_fetch(Reader(arguments))

    plain = parse_fetch(Reader(Framed(b" 7 FLAGS")))
    assert [item.name for item in plain.wanted.plan.items] == [b"FLAGS"]
    assert plain.messages.ranges == ((7, 7),)
    assert not plain.wanted.sets_seen


@pytest.mark.parametrize("arguments", [b" 7 ", b" 7 (FLAGS", b" 7 (FLAGS))", b" 7 FLAGS x", b" 7"])
def test_what_is_refused_is_refused_again(arguments: bytes) -> None:
    for _ in range(2):
        with pytest.raises(SyntaxRefused):
            parse_fetch(Reader(Framed(arguments)))


def test_a_field_name_may_be_a_literal() -> None:
    framed = Framed(b" 7 BODY[HEADER.FIELDS ({4}\r\n)]", (b"From",))
    for _ in range(2):
        (item,) = parse_fetch(Reader(framed)).wanted.plan.items
        assert item.name == b"BODY[HEADER.FIELDS (From)]"

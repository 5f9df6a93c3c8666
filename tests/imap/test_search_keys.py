from __future__ import annotations

import datetime
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.imap.search_charsets import decoder, utf8
from mailhub.imap.search_keys import KEYS, MAX_DEPTH, KeyParser, Scene
from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.imap.wire.events import Framed
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.sequence import SequenceSet
from mailhub.model.numbers import NumberSet
from mailhub.model.search import (
    And,
    BodyContains,
    DateField,
    Everything,
    HasFlag,
    HeaderContains,
    ModSeqAtLeast,
    Not,
    OnDays,
    Or,
    Query,
    ReceivedBetween,
    SizeAbove,
    SizeBelow,
    TextContains,
    UidIn,
)

NOW = 1_000_000
DAY = datetime.date(1994, 2, 1)
NEXT = datetime.date(1994, 2, 2)
INTERNAL, SENT = DateField.INTERNAL, DateField.SENT
SEEN = HasFlag("\\Seen")


def numbers(wanted: SequenceSet) -> NumberSet:
    """A mailbox of ten messages whose UIDs are ten times their numbers."""
    resolved = wanted.resolve(10)
    return NumberSet.of(*(10 * n for n in resolved))


def uids(wanted: SequenceSet) -> NumberSet:
    return NumberSet.of(30) if wanted.is_saved else wanted.resolve(100)


SCENE = Scene(numbers, uids, recent=NumberSet.of(90, 100), now=NOW)


def parser(text: bytes, *literals: bytes) -> KeyParser:
    return KeyParser(Reader(Framed(text, literals)), utf8)


def query(text: bytes, *literals: bytes) -> Query:
    p = parser(text, *literals)
    key = p.keys()
    p.r.end()
    return key(SCENE)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ALL",
        b"ALL  ALL",
        b"ALL)",
        b"(ALL",
        b"()",
        b"( ALL)",
        b"NOSUCHKEY",
        b"ALL(SEEN)",
        b"NOT",
        b"NOT ",
        b"OR SEEN",
        b"OR SEEN ",
        b"FROM",
        b"FROM ",
        b'FROM "x',
        b"HEADER subject",
        b"BEFORE",
        b"BEFORE 1-Foo-1994",
        b"BEFORE 31-Feb-1994",
        b"BEFORE yesterday",
        b"SENTON 1994-02-01",
        b"LARGER",
        b"LARGER -1",
        b"LARGER x",
        b"KEYWORD",
        b'KEYWORD "x"',
        b"KEYWORD \\Nonsense",
        b"UID",
        b"UID x",
        b"UID 0",
        b"0",
        b"1,",
        b"1:",
        b"1:2:3",
        b"*,$",
        b"YOUNGER 0",
        b"OLDER",
        b"MODSEQ",
        b"MODSEQ x",
        b'MODSEQ "/flags/\\\\Seen" 5',
        b'MODSEQ "/flags/\\\\Seen" other 5',
        b'SUBJECT "\xff"',
    ],
)
def test_what_is_no_search_key_is_refused(text: bytes) -> None:
    with pytest.raises(SyntaxRefused):
        query(text)


@pytest.mark.parametrize(
    "text",
    [
        b"(" * (MAX_DEPTH + 1) + b"ALL" + b")" * (MAX_DEPTH + 1),
        b"NOT " * (MAX_DEPTH + 1) + b"ALL",
        b"OR ALL " * (MAX_DEPTH + 1) + b"ALL",
        b"(" * 20_000,
    ],
)
def test_keys_nested_too_deep_are_refused(text: bytes) -> None:
    with pytest.raises(SyntaxRefused):
        query(text)


def test_a_long_or_becomes_one_flat_query() -> None:
    words = [f"w{i}" for i in range(MAX_DEPTH - 1)]
    text = "".join(f"OR BODY {w} " for w in words) + "SEEN"

    assert query(text.encode()) == Or((*(BodyContains(w) for w in words), SEEN))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"ALL", Everything()),
        (b"answered", HasFlag("\\Answered")),
        (b"DELETED", HasFlag("\\Deleted")),
        (b"DRAFT", HasFlag("\\Draft")),
        (b"FLAGGED", HasFlag("\\Flagged")),
        (b"SEEN", SEEN),
        (b"UNANSWERED", Not(HasFlag("\\Answered"))),
        (b"UNDELETED", Not(HasFlag("\\Deleted"))),
        (b"UNDRAFT", Not(HasFlag("\\Draft"))),
        (b"UNFLAGGED", Not(HasFlag("\\Flagged"))),
        (b"UNSEEN", Not(SEEN)),
        (b"KEYWORD $Forwarded", HasFlag("$Forwarded")),
        (b"UNKEYWORD $Forwarded", Not(HasFlag("$Forwarded"))),
        (b"RECENT", UidIn(NumberSet.of(90, 100))),
        (b"OLD", Not(UidIn(NumberSet.of(90, 100)))),
        (b"NEW", And((UidIn(NumberSet.of(90, 100)), Not(SEEN)))),
        (b"BCC x", HeaderContains("Bcc", "x")),
        (b"CC x", HeaderContains("Cc", "x")),
        (b"FROM x", HeaderContains("From", "x")),
        (b'SUBJECT "two words"', HeaderContains("Subject", "two words")),
        (b"TO x", HeaderContains("To", "x")),
        (b'HEADER X-Spam ""', HeaderContains("X-Spam", "")),
        (b"HEADER Message-ID <1@x>", HeaderContains("Message-ID", "<1@x>")),
        (b"BODY x", BodyContains("x")),
        (b"TEXT x", TextContains("x")),
        (b"BEFORE 1-Feb-1994", OnDays(INTERNAL, None, DAY)),
        (b'ON "1-Feb-1994"', OnDays(INTERNAL, DAY, NEXT)),
        (b"SINCE 01-feb-1994", OnDays(INTERNAL, DAY, None)),
        (b"SENTBEFORE 1-Feb-1994", OnDays(SENT, None, DAY)),
        (b"SENTON 1-Feb-1994", OnDays(SENT, DAY, NEXT)),
        (b"SENTSINCE 1-Feb-1994", OnDays(SENT, DAY, None)),
        (b"ON 31-Dec-9999", OnDays(INTERNAL, datetime.date.max, None)),
        (b"LARGER 5000000000", SizeAbove(5_000_000_000)),
        (b"SMALLER 0", SizeBelow(0)),
        (b"YOUNGER 100", ReceivedBetween(NOW - 100, None)),
        (b"OLDER 100", ReceivedBetween(None, NOW - 99)),
        (b"MODSEQ 620162338", ModSeqAtLeast(620162338)),
        (b'MODSEQ "/flags/\\\\draft" all 7', ModSeqAtLeast(7)),
        (b"1:3", UidIn(NumberSet.of(10, 20, 30))),
        (b"*", UidIn(NumberSet.of(100))),
        (b"9:*,1", UidIn(NumberSet.of(10, 90, 100))),
        (b"UID 5:7,*", UidIn(NumberSet(((5, 7), (100, 100))))),
        (b"UID $", UidIn(NumberSet.of(30))),
        (b"NOT SEEN", Not(SEEN)),
        (b"NOT UNSEEN", SEEN),
        (b"NOT (SEEN ALL)", Not(And((SEEN, Everything())))),
        (b"OR SEEN (ALL)", Or((SEEN, Everything()))),
        (b"SEEN (ALL FROM x)", And((SEEN, Everything(), HeaderContains("From", "x")))),
    ],
)
def test_a_key_asks_for(text: bytes, expected: Query) -> None:
    assert query(text) == expected


def test_the_table_of_keys_has_all_of_both_revisions() -> None:  # 9051 6.4.4, 3501 6.4.4
    plain = "ALL BCC BEFORE BODY CC FROM HEADER KEYWORD LARGER NEW NOT OLD ON OR RECENT SENTBEFORE"
    more = "SENTON SENTSINCE SINCE SMALLER SUBJECT TEXT TO UID UNKEYWORD MODSEQ OLDER YOUNGER"
    flags = {"ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN"}
    expected = {*plain.split(" "), *more.split(" "), *flags, *(f"UN{flag}" for flag in flags)}

    assert set(KEYS) == expected


@pytest.mark.parametrize(
    ("text", "literals", "expected"),
    [
        pytest.param('SUBJECT "ñ"'.encode(), (), "ñ", id="8-bit in quotes (imap-tools)"),
        pytest.param(b"SUBJECT {2}\r\n", ("ñ".encode(),), "ñ", id="a literal"),
        pytest.param(b'SUBJECT "a\\"b\\\\c"', (), 'a"b\\c', id="escapes"),
        pytest.param(b'SUBJECT ""', (), "", id="empty"),
    ],
)
def test_text_is_utf8(text: bytes, literals: tuple[bytes, ...], expected: str) -> None:
    assert query(text, *literals) == HeaderContains("Subject", expected)


def test_text_is_read_in_the_charset_of_the_search() -> None:
    decode = decoder("ISO-8859-1")
    assert decode is not None
    p = KeyParser(Reader(Framed(b'TEXT "caf\xe9"')), decode)

    assert p.keys()(SCENE) == TextContains("café")


@pytest.mark.parametrize(
    ("text", "by_number", "by_modseq"),
    [
        (b"SEEN UID 1:*", False, False),
        (b"OR SEEN NOT 1:*", True, False),
        (b"$", False, False),
        (b"(SEEN (MODSEQ 1))", False, True),
    ],
)
def test_the_parser_knows_which_kinds_of_keys_there_were(
    text: bytes, by_number: bool, by_modseq: bool
) -> None:
    p = parser(text)
    p.keys()

    assert (p.uses_numbers, p.uses_modseq) == (by_number, by_modseq)


@given(st.binary(max_size=80))
def test_any_bytes_are_keys_or_are_refused(text: bytes) -> None:
    with suppress(SyntaxRefused):
        query(text.replace(b"{", b"("))


@given(st.lists(st.sampled_from([*KEYS, "(", ")", "x", "1:3", "1-Feb-1994", "$", '"y"', "7"])))
def test_any_words_are_keys_or_are_refused(words: list[str]) -> None:
    with suppress(SyntaxRefused):
        query(" ".join(words).encode())

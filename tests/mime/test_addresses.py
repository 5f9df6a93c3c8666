"""Address lists as ENVELOPE presents them (RFC 9051 7.5.2, RFC 5322 3.4 and 4.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.mime import addresstokens
from mailhub.mime.addresses import MAX_ADDRESSES, Address, address_list, parse

END = (None, None, None, None)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("a@b.example", [(None, None, "a", "b.example")]),
        ("Ann <a@b>", [("Ann", None, "a", "b")]),
        ("Ann  B.\t C <a@b>", [("Ann B. C", None, "a", "b")]),
        ('"Q, \\"X\\"" <a@b>', [('Q, "X"', None, "a", "b")]),
        ('"Ann" B <a@b>', [("Ann B", None, "a", "b")]),
        ("<a@b>", [(None, None, "a", "b")]),
        ('"" <a@b>', [(None, None, "a", "b")]),
        ("a@b,c@d", [(None, None, "a", "b"), (None, None, "c", "d")]),
        ("a@b (Ann B)", [("Ann B", None, "a", "b")]),
        ("a@b (Ann (nested) \\) B)", [("Ann (nested) ) B", None, "a", "b")]),
        ("Ann (x) <a@b> (y)", [("Ann", None, "a", "b")]),
        ("<a@b> (Ann)", [("Ann", None, "a", "b")]),
        ("a(x)@(y)b(z)", [("z", None, "a", "b")]),
        ("a . b @ c . d", [(None, None, "a.b", "c.d")]),
        ('"john  doe"@b', [(None, None, "john  doe", "b")]),
        ("a@[192.0.2.1]", [(None, None, "a", "[192.0.2.1]")]),
        ("<@r:a@b>", [(None, "@r", "a", "b")]),
        ("Ann <@r,@s:a@b>", [("Ann", "@r,@s", "a", "b")]),
        ("=?utf-8?q?=C3=A4?= <a@b>", [("=?utf-8?q?=C3=A4?=", None, "a", "b")]),
        ("\xe4 <\xf6@\xfc>", [("\xe4", None, "\xf6", "\xfc")]),
        ("a@b; c@d", [(None, None, "a", "b"), (None, None, "c", "d")]),
        ("a@b,,;, c@d,", [(None, None, "a", "b"), (None, None, "c", "d")]),
    ],
)
def test_mailboxes(value: str, found: list[tuple[str | None, ...]]) -> None:
    check(value, found)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("nobody:;", [(None, None, "nobody", None), END]),
        ("Undisclosed recipients: ;", [(None, None, "Undisclosed recipients", None), END]),
        (
            'x@y, "A, B": a@b, C <c@d>; e@f',
            [
                (None, None, "x", "y"),
                (None, None, "A, B", None),
                (None, None, "a", "b"),
                ("C", None, "c", "d"),
                END,
                (None, None, "e", "f"),
            ],
        ),
        ("g: a@b", [(None, None, "g", None), (None, None, "a", "b"), END]),
        (
            "g: h: a@b;",
            [(None, None, "g", None), END, (None, None, "h", None), (None, None, "a", "b"), END],
        ),
        (":a@b", [(None, None, "", None), (None, None, "a", "b"), END]),
    ],
)
def test_groups_begin_and_end(value: str, found: list[tuple[str | None, ...]]) -> None:
    check(value, found)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("", []),
        (" , ;", []),
        ("root", [(None, None, "root", "")]),
        ("Ann Example", [("Ann Example", None, "", "")]),
        ("Ann <root>", [("Ann", None, "root", "")]),
        ("<>", [(None, None, "", "")]),
        ("Ann <>", [("Ann", None, "", "")]),
        ("@b", [(None, None, "", "b")]),
        ("a@", [(None, None, "a", "")]),
        ("a@b@c", [(None, None, "a@b", "c")]),
        ("Ann <a@b", [("Ann", None, "a", "b")]),
        ("Ann <a@b, c@d", [("Ann", None, "a", "b"), (None, None, "c", "d")]),
        ("Ann a@b>", [(None, None, "Ann a", "b>")]),
        ('"Ann <a@b>', [("Ann <a@b>", None, "", "")]),
        ("(", []),
        ("(only a comment)", [("only a comment", None, "", "")]),
        ("a@b (never closed", [("never closed", None, "a", "b")]),
        ("a@[1.2", [(None, None, "a", "[1.2")]),
        ("<a@b> c@d", [(None, None, "a", "b")]),
        ("\\", [(None, None, "\\", "")]),
    ],
)
def test_what_is_no_address_still_shows_something(
    value: str, found: list[tuple[str | None, ...]]
) -> None:
    check(value, found)


def check(value: str, found: list[tuple[str | None, ...]]) -> None:
    expected = [tuple(t if t is None else t.encode("latin-1") for t in one) for one in found]
    assert parse([value.encode("latin-1")]) == expected


def test_a_field_that_comes_twice_counts_twice() -> None:
    assert [a.mailbox for a in parse([b"a@b", b"", b"c@d"])] == [b"a", b"c"]


def test_no_addresses_are_nil() -> None:
    assert address_list([]) == b"NIL"


def test_addresses_stand_in_one_list_without_spaces_between() -> None:  # 9051 9: env-from
    found = [Address(b"A", None, b"a", b"b"), Address(None, None, b"c", b"d")]
    assert address_list(found) == b'(("A" NIL "a" "b")(NIL NIL "c" "d"))'


@pytest.mark.parametrize("one", [b"a@b,", b"(x) a@b,"])
def test_there_is_a_limit(one: bytes) -> None:
    assert 1000 < len(parse([one * 100_000])) <= MAX_ADDRESSES


words = st.text("abz019!#$%&'*+/=?^_`{|}~-äöü", min_size=1, max_size=6).map(str.encode)
dotted = st.lists(words, min_size=1, max_size=3).map(b".".join)
names = st.lists(words, max_size=3).map(b" ".join)


@given(st.lists(st.tuples(names, dotted, dotted), min_size=1, max_size=4))
def test_the_short_way_finds_what_the_long_way_finds(
    parts: list[tuple[bytes, bytes, bytes]],
) -> None:
    value = b", ".join([b"%b <%b@%b>" % p if p[0] else b"%b@%b" % p[1:] for p in parts])
    expected = [(name or None, None, local, host) for name, local, host in parts]
    assert parse([value]) == expected
    assert addresstokens.parse(value, 10) == expected

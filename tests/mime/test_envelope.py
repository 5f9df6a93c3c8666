"""ENVELOPE (RFC 9051 7.5.2)."""

from __future__ import annotations

import pytest

from mailhub.mime.scanner import analyse
from tests.mime.reading import crlf

ANN = '((NIL NIL "ann" "x"))'
BOB = '((NIL NIL "bob" "x"))'


def envelope(header: str) -> str:
    return analyse(crlf(f"{header}\n\n")).envelope.decode("latin-1")


def test_all_fields_in_their_order() -> None:
    assert envelope(
        "Message-ID: <i@x>\nIn-Reply-To: <p@x>\nBcc: b@x\nCc: c@x\nTo: t@x\nReply-To: r@x\n"
        "Sender: s@x\nFrom: f@x\nSubject: s\nDate: d"
    ) == (
        '("d" "s" ((NIL NIL "f" "x")) ((NIL NIL "s" "x")) ((NIL NIL "r" "x"))'
        ' ((NIL NIL "t" "x")) ((NIL NIL "c" "x")) ((NIL NIL "b" "x")) "<p@x>" "<i@x>")'
    )


@pytest.mark.parametrize("rest", ["", "Sender:\nReply-To:", "Sender: \nReply-To: ,"])
def test_sender_and_reply_to_are_from_unless_they_say_more(rest: str) -> None:
    assert envelope(f"From: ann@x\n{rest}") == (f"(NIL NIL {ANN} {ANN} {ANN} NIL NIL NIL NIL NIL)")


def test_they_are_nil_when_from_is() -> None:
    assert envelope("X: y") == "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def test_empty_texts_are_empty_and_missing_ones_nil() -> None:
    assert envelope("Date:\nSubject: \nIn-Reply-To:\n \nMessage-ID:\nTo:\nCc: ") == (
        '("" "" NIL NIL NIL NIL NIL NIL "" "")'
    )


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ("plain", '"plain"'),
        ("a\n folded", '"a folded"'),
        ("a\n\tfolded", '"a\tfolded"'),
        ("=?utf-8?q?=C3=A4?=\n =?utf-8?q?b?=", '"=?utf-8?q?=C3=A4?= =?utf-8?q?b?="'),
        ('"quoted" \\ back', '"\\"quoted\\" \\\\ back"'),
        ("caf\xe9", "{4}\r\ncaf\xe9"),
        ("a\0b", '"a?b"'),
        ("a\x1bb", '"a\x1bb"'),
        ("x" * 1000, f'"{"x" * 1000}"'),
        ("x" * 1001, f"{{1001}}\r\n{'x' * 1001}"),
    ],
)
def test_texts_are_unfolded_and_otherwise_as_they_are(value: str, wire: str) -> None:
    assert envelope(f"Subject: {value}") == f"(NIL {wire} NIL NIL NIL NIL NIL NIL NIL NIL)"


def test_a_bare_cr_is_a_space() -> None:
    assert analyse(b"Subject: a\rb\r\r\n\r\n").envelope.startswith(b'(NIL "a b" ')


def test_of_two_texts_the_first_counts_and_addresses_add_up() -> None:
    assert envelope("Subject: a\nSubject: b\nTo: ann@x\nTo: bob@x") == (
        '(NIL "a" NIL NIL NIL ((NIL NIL "ann" "x")(NIL NIL "bob" "x")) NIL NIL NIL NIL)'
    )


def test_names_of_fields_may_have_any_case_and_space_before_the_colon() -> None:
    assert envelope("SUBJECT : a\nfrom: ann@x").startswith(f'(NIL "a" {ANN} ')


def test_a_line_without_a_colon_hides_nothing_but_itself() -> None:
    assert envelope("no field\n of any kind\nSubject: a").startswith('(NIL "a" ')

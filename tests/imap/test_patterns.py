"""LIST's wildcards, against the obvious recursive definition."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.imap.patterns import Pattern


def naive(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] in "*%":
        return naive(pattern[1:], name) or bool(
            name and (pattern[0] == "*" or name[0] != "/") and naive(pattern, name[1:])
        )
    return bool(name) and name[0] == pattern[0] and naive(pattern[1:], name[1:])


@given(st.text("ab/*%", max_size=8), st.text("ab/", max_size=10))
def test_a_pattern_matches_as_it_is_defined(pattern: str, name: str) -> None:
    assert Pattern(pattern).matches(name) == naive(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("inbox", "INBOX", True),
        ("iNb*", "INBOX", True),
        ("inb%/sub", "INBOX/sub", True),
        ("inbox/SUB", "INBOX/sub", False),
        ("x/inbox", "x/INBOX", False),
        ("*box", "INBOX", True),
        ("%", "INBOX", True),
        ("%", "a/b", False),
        ("*", "a/b", True),
        ("u\u0308", "ü", True),
        ("", "", True),
        ("*" * 3000 + "a", "xa", True),
        ("a" * 3000, "a" * 3000, False),
    ],
)
def test_inbox_and_unusual_patterns(pattern: str, name: str, matches: bool) -> None:
    assert Pattern(pattern).matches(name) is matches


def test_an_evil_pattern_takes_no_longer_than_a_good_one() -> None:
    evil = Pattern("*a%" * 300 + "b")
    began = time.process_time()
    evil.matches("a" * 1000)

    assert time.process_time() - began < 0.5

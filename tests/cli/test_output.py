from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.cli.output import counted, human, plain, printable, size


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (50 * 1024**2, "50.0 MiB"),
        (3 * 1024**5, "3072.0 TiB"),
    ],
)
def test_sizes_are_short_for_people(octets: int, text: str) -> None:
    assert size(octets) == text
    assert human("deleted_octets", octets) == text


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("last_login", None, "never"),
        ("walked", None, "never"),
        ("catch_all", None, "-"),
        ("enabled", True, "yes"),
        ("enabled", False, "no"),
        ("messages", 12, "12"),
        ("aliases", [], "-"),
        ("aliases", ["a", "b"], "a, b"),
        ("name", "", "-"),
    ],
)
def test_values_are_words_for_people(key: str, value: object, text: str) -> None:
    assert human(key, value) == text


def test_times_are_utc_for_programs() -> None:
    assert plain("", {"created": 1_700_000_000}) == {"created": "2023-11-14T22:13:20Z"}
    assert plain("", {"walked": 1_700_000_000}) == {"walked": "2023-11-14T22:13:20Z"}
    assert plain("", [{"messages": 5, "uses": ("a",)}]) == [{"messages": 5, "uses": ["a"]}]


@given(st.text())
def test_nothing_printed_drives_a_terminal(text: str) -> None:
    assert all(c.isprintable() for c in printable(text))
    assert len(printable(text)) == len(text)


def test_one_thing_has_no_plural() -> None:
    assert [counted(number, "problem") for number in (0, 1, 2)] == [
        *("0 problems", "1 problem", "2 problems"),
    ]

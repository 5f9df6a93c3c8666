"""Fields packed at delivery are picked as they would be from the whole header."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhub.mime import commonfields
from mailhub.mime.commonfields import MAX_PACKED, NAMES, as_it_is, pack, pick
from mailhub.mime.fields import select_fields
from mailhub.mime.scanner import analyse
from tests.mime.test_properties import broken_mail

HEADER = (
    b"Received: x\r\n\ty\r\nX-Other: z\r\nTO : b@example.org\r\nSubject:a\r\n folded\r\n"
    b"X-From: no\r\nfrom: \xff again\r\nFrom: twice\r\n\r\n"
)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"From: a\r\n", id="no empty line"),
        pytest.param(b"From: a\n\n", id="bare LF"),
        pytest.param(b"From: a\0b\r\n\r\n", id="NUL"),
        pytest.param(b"\0From: a\r\n\r\n", id="NUL at the beginning"),
        pytest.param(b"To: %b\r\n\r\n" % (b"a" * MAX_PACKED), id="too long"),
    ],
)
def test_what_cannot_be_packed_is_kept_as_it_is(header: bytes) -> None:
    assert pack(header) is None
    for names in ({b"from"}, {b"to"}, set[bytes]()):
        wanted = frozenset(names)
        assert pick([as_it_is(header)], wanted) == [select_fields(header, wanted)]


def test_a_long_header_of_other_fields_is_packed() -> None:
    packed = pack(b"X-Other: %b\r\nFrom: a\r\n\r\n" % (b"a" * MAX_PACKED))

    assert packed is not None
    assert pick([packed], frozenset((b"from",))) == [b"From: a\r\n\r\n"]


@pytest.mark.parametrize(
    ("wanted", "picked"),
    [
        pytest.param((), b"\r\n", id="no names"),
        pytest.param((b"cc",), b"\r\n", id="not there"),
        pytest.param((b"subject",), b"Subject:a\r\n folded\r\n\r\n", id="folded"),
        pytest.param(
            (b"from", b"to"),
            b"TO : b@example.org\r\nfrom: \xff again\r\nFrom: twice\r\n\r\n",
            id="in the order of the header",
        ),
    ],
)
def test_fields_come_as_they_are_with_the_empty_line(
    wanted: tuple[bytes, ...], picked: bytes
) -> None:
    packed = pack(HEADER)
    assert packed is not None
    assert pick([packed, as_it_is(HEADER)], frozenset(wanted)) == [picked, picked]


def test_the_stored_form_stays_as_it_is() -> None:
    """Account files are full of it: names may be added at the end, nothing else."""
    assert pack(HEADER) == (
        b"aNM77\0Received: x\r\n\ty\r\n\0TO : b@example.org\r\n\0Subject:a\r\n folded\r\n"
        b"\0from: \xff again\r\n\0From: twice\r\n\0\r\n"
    )


@given(broken_mail, st.sets(st.sampled_from(sorted(NAMES))))
@settings(max_examples=300, deadline=None)
def test_picking_is_selecting(data: bytes, wanted: set[bytes]) -> None:
    header = data[: analyse(data).header_octets]
    kept = [as_it_is(header), pack(header) or as_it_is(header)]

    assert pick(kept, frozenset(wanted)) == [select_fields(header, frozenset(wanted))] * 2


def test_arrangements_of_fields_are_forgotten_when_they_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commonfields, "MOST_LAYOUTS", 2)
    headers = [b"From: a\r\n" * n + b"To: b\r\n\r\n" for n in range(8)]

    packed = [pack(header) or b"" for header in headers]

    assert pick(packed, frozenset((b"to",))) == [b"To: b\r\n\r\n"] * 8

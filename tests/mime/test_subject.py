"""The base subject (RFC 5256 2.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.mime.scanner import analyse
from mailhub.mime.subject import base_subject


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("", ""),
        ("Budget", "Budget"),
        ("Re: Budget", "Budget"),
        ("RE:Budget", "Budget"),
        ("re : Budget", "Budget"),
        ("Fw: Fwd: FWD: Budget", "Budget"),
        ("Re[2]: Budget", "Budget"),
        ("Re [x] : Budget", "Budget"),
        ("Re: Re: [list] Re: Budget", "Budget"),
        ("[list] Budget", "Budget"),
        ("[a] [b] Budget", "Budget"),
        ("[list]", "[list]"),
        ("[a][b]", "[b]"),
        ("Re: [list]", "[list]"),
        ("Budget (fwd)", "Budget"),
        ("Budget (FWD) (fwd)  ", "Budget"),
        ("[Fwd: Budget]", "Budget"),
        ("[fwd: Re: [fwd: Budget (fwd)]]", "Budget"),
        ("Re: [Fwd: [list] Budget]", "Budget"),
        ("  a \t b\n c ", "a b c"),
        ("Reply", "Reply"),
        ("Re", "Re"),
        ("Re:", ""),
        ("(fwd)", ""),
        ("Fwd", "Fwd"),
        ("AW: Budget", "AW: Budget"),
        ("Budget Re: x", "Budget Re: x"),
        ("[a [b] c] Budget", "[a [b] c] Budget"),
        ("[never closed", "[never closed"),
        ("Re: \u00a0ÄÖ", "ÄÖ"),
    ],
)
def test_base_subjects(subject: str, base: str) -> None:
    assert base_subject(subject) == base


def test_it_is_kept_casemapped_and_decoded() -> None:
    found = analyse(b"Subject: Re: =?iso-8859-1?q?Gr=FC=DFe?=\r\n (fwd)\r\n\r\n")
    assert (found.subject, found.base_subject) == ("Re: Grüße (fwd)", "GRU\u0308ßE")


@given(st.lists(st.sampled_from(["re:", "fwd ", "[a]", "[fwd:", "]", "(fwd)", " ", "x"])))
def test_a_base_has_no_base_of_its_own(pieces: list[str]) -> None:
    base = base_subject("".join(pieces))
    assert base_subject(base) == base

from __future__ import annotations

from mailhub.model.flags import (
    DELETED,
    FIRST_KEYWORD_BIT,
    MAX_KEYWORDS,
    SEEN,
    canonical_flag,
    flag_names,
)


def test_system_flags_have_one_spelling_and_keywords_keep_theirs() -> None:
    assert canonical_flag("\\sEEN") == "\\Seen"
    assert canonical_flag("$Forwarded") == "$Forwarded"


def test_names_of_a_mask_leave_free_places_out() -> None:
    mask = SEEN | DELETED | 0b111 << FIRST_KEYWORD_BIT

    assert flag_names(mask, ("a", "", "c")) == ("\\Seen", "\\Deleted", "a", "c")


def test_every_keyword_fits_a_signed_64_bit_integer() -> None:
    assert 1 << FIRST_KEYWORD_BIT + MAX_KEYWORDS - 1 < 2**63

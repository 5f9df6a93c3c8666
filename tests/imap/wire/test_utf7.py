"""Modified UTF-7, RFC 3501 5.1.3."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.imap.wire import utf7
from mailhub.model.errors import BadMailboxName

TEXT = st.text()


@pytest.mark.parametrize(
    "encoded",
    ["&", "a&b", "&AB", "&!!!!-", "&A-", "&2ADYAA-", "&2AA-", "x&AOkA6Q"],
)
def test_what_has_no_meaning_is_refused(encoded: str) -> None:
    with pytest.raises(BadMailboxName):
        utf7.decode(encoded)


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        ("INBOX", "INBOX"),
        ("&-", "&"),
        ("A&-B", "A&B"),
        ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),  # 3501 5.1.3
        ("Entw&APw-rfe", "Entwürfe"),
        ("&2D3eAA-", "😀"),
        ("&U,BTFw-&ZeVnLIqe-", "台北日本語"),  # a superfluous shift
        ("&AGE-", "a"),  # needlessly shifted
    ],
)
def test_names_are_decoded(encoded: str, text: str) -> None:
    assert utf7.decode(encoded) == text


@given(TEXT)
def test_encoded_text_is_ascii_and_decodes_to_itself(text: str) -> None:
    encoded = utf7.encode(text)

    assert encoded.isascii()
    assert encoded.isprintable()
    assert utf7.decode(encoded) == text


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_any_ascii_is_decoded_or_refused(text: str) -> None:
    try:
        decoded = utf7.decode(text)
    except BadMailboxName:
        return
    assert utf7.decode(utf7.encode(decoded)) == decoded

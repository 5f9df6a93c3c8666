"""What the store keeps beside a message for sorting, searching and threads."""

from __future__ import annotations

import pytest

from mailhub.mime.scanner import analyse
from tests.mime.reading import crlf


def test_texts_are_decoded_and_keep_their_case() -> None:
    found = analyse(
        crlf(
            "From: =?utf-8?q?J=C3=B6rg?= <j@example.org>\nTo: A <a@b>,\n c@d\nTo: e@f\n"
            "Cc: caf\xe9 <g@h>\nSubject: =?utf-8?q?a?=\n =?utf-8?q?b?=\n\n"
        )
    )
    assert found.from_ == "Jörg <j@example.org>"
    assert found.to == "A <a@b>, c@d\ne@f"  # two fields
    assert found.cc == "café <g@h>"
    assert found.subject == "ab"


@pytest.mark.parametrize(
    ("sender", "mailbox", "display"),
    [
        ("Ann Example <Ann@example.org>", "ANN", "ANN EXAMPLE"),
        ("ann@example.org, bob@example.org", "ANN", "ANN@EXAMPLE.ORG"),
        ("=?utf-8?q?=C3=A4?= <a@b>", "A", "A\u0308"),
        ("friends: ann@example.org;", "FRIENDS", "FRIENDS"),
        ("=?utf-8?q??= <a@b>", "A", "A@B"),
        ("root", "ROOT", "ROOT@"),
        ("", "", ""),
    ],
)
def test_sort_keys_are_of_the_first_address(  # 5256 3, 5957 3
    sender: str, mailbox: str, display: str
) -> None:
    found = analyse(crlf(f"From: {sender}\nTo: {sender}\nCc: {sender}\n\n"))
    assert (found.sort_from, found.sort_to, found.sort_cc) == (mailbox, mailbox, mailbox)
    assert (found.display_from, found.display_to) == (display, display)


def test_what_is_missing_is_empty() -> None:
    found = analyse(b"")
    assert (found.sent_seconds, found.sent_zone) == (None, 0)
    assert (found.message_id, found.references) == ("", ())
    assert not found.subject + found.base_subject + found.from_ + found.sort_from


@pytest.mark.parametrize(
    ("value", "message_id"),
    [
        ("<a@b>", "a@b"),
        (" <a@b> (x)", "a@b"),
        ("a@b", "a@b"),
        ("<a\n b@c>", "ab@c"),
        ('<"a"@b>', "a@b"),
        ("<a@b", "<a@b"),
        ("<" + "x" * 2000 + ">", "x" * 1000),
        ("", ""),
    ],
)
def test_message_ids_are_plain(value: str, message_id: str) -> None:
    assert analyse(crlf(f"Message-ID: {value}\n\n")).message_id == message_id


@pytest.mark.parametrize(
    ("references", "in_reply_to", "ids"),
    [
        ("<a> <b>", "<b>", ("a", "b")),
        ("<a> <b>", "<c> <d>", ("a", "b", "c")),
        ("<a><b>\n\t<a>", "", ("a", "b")),
        ("", "<c>", ("c",)),
        ("", 'Your message of "Mon" <c> (x)', ("c",)),
        ("nonsense <> < >", "nonsense", ()),
    ],
)
def test_references_are_in_their_order(
    references: str, in_reply_to: str, ids: tuple[str, ...]
) -> None:
    data = crlf(f"References: {references}\nIn-Reply-To: {in_reply_to}\n\n")
    assert analyse(data).references == ids


def test_of_a_long_chain_the_first_and_the_last_are_kept() -> None:
    chain = "\n ".join(f"<{n}@x>" for n in range(1000))
    found = analyse(crlf(f"References: {chain}\n\n")).references
    assert len(found) == 100
    assert (found[0], found[1], found[-1]) == ("0@x", "901@x", "999@x")

from __future__ import annotations

import pytest

from mailhub.model.errors import BadMailboxName
from mailhub.model.names import INBOX, MailboxName, is_below, mailbox_name, parents


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param("", id="empty"),
        pytest.param("/a", id="empty first level"),
        pytest.param("a//b", id="empty level"),
        pytest.param("a/", id="empty last level"),
        pytest.param("a\r\nb", id="line end"),
        pytest.param("a\x00b", id="NUL"),
        pytest.param("a\x7fb", id="DEL"),
        pytest.param("a\u2028b", id="line separator"),
        pytest.param("a\ud800b", id="lone surrogate"),
        pytest.param("é" * 501, id="too many octets"),
        pytest.param("/".join("a" * 51), id="too many levels"),
    ],
)
def test_bad_names_are_refused(bad: str) -> None:
    with pytest.raises(BadMailboxName):
        mailbox_name(bad)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("inbox", "INBOX"),
        ("Inbox/Sub", "INBOX/Sub"),
        ("a/inbox", "a/inbox"),
        ("Entwu\u0308rfe", "Entw\u00fcrfe"),
        ("With space & more", "With space & more"),
    ],
)
def test_names_have_one_canonical_form(text: str, name: str) -> None:
    assert mailbox_name(text) == name


def test_parents_come_topmost_first() -> None:
    assert parents(MailboxName("a/b/c")) == ["a", "a/b"]
    assert parents(INBOX) == []


def test_below_means_a_whole_level() -> None:
    assert is_below("a/b", "a")
    assert not is_below("ab", "a")
    assert not is_below("a", "a")

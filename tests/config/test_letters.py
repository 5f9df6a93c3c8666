"""The template of a warning."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.config.letters import DEFAULT, BadTemplate, check_template, letter

FACTS = {
    "account": "alice@example.org",
    "percent": "83",
    "used": "83.0 MB",
    "limit": "100.0 MB",
    "hostname": "mail.example.org",
}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Subject: x\n", "no empty line"),
        ("not a field\n\ntext", "no field: 'not a field'"),
        ("Subject: {percent\n\n", "a brace that stands alone"),
        ("Subject: {user}\n\n", "{user}, which nothing replaces; known are {account}"),
        ("Subject: {0}\n\n", "{0}, which nothing replaces"),
        ("Subject: {}\n\n", "{}, which nothing replaces"),
        ("Subject: {account.__class__}\n\n", "{account.__class__}, which nothing replaces"),
        ("Subject: {percent:d}\n\n", "{percent:d}, which nothing replaces"),
        ("Subject: x\n\n{used!q}", "{used!q}, which nothing replaces"),
        ("Subject: x\nsubject: y\n\n", "is no message: there may be at most 1 subject"),
        ("Subject: x\rBcc: y\n\n", "is no message: header values may not contain"),
    ],
)
def test_mistakes_are_named(text: str, told: str) -> None:
    with pytest.raises(BadTemplate) as bad:
        check_template(text)
    assert told in str(bad.value)


def test_the_template_that_comes_along_is_right() -> None:
    check_template(DEFAULT)
    message = email.message_from_bytes(letter(DEFAULT, FACTS, 0), policy=email.policy.default)
    assert message["Subject"] == "Your mailbox is 83 % full"
    assert message["Date"] == "Thu, 01 Jan 1970 00:00:00 +0000"
    assert message["From"] == "postmaster@mail.example.org"
    assert "83.0 MB of the 100.0 MB" in message.get_content()


@given(body=st.text(alphabet=st.characters(exclude_characters="{}\r", codec="utf-8"), max_size=80))
def test_any_text_becomes_a_message(body: str) -> None:
    data = letter(f"Subject: x\n\n{body}", FACTS, 0)
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert message["Subject"] == "x"
    assert b"\r\n\r\n" in data

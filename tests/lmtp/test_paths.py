from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.lmtp.paths import MailFrom, parse_mail, parse_rcpt
from mailhub.lmtp.wire import Refused


@pytest.mark.parametrize(
    "argument",
    [
        "",
        "<a@b>",
        "TO:<a@b>",
        "FROM:a@b",
        "FROM:<a@b",
        "FROM:<a b@c>",
        "FROM:<a@b>SIZE=1",
        "FROM:<@c>",
        "FROM:<a@>",
        "FROM:<a@b@c>",
        'FROM:<"a@b>',
        "FROM:<a\x07@b>",
        "FROM:<a\u2028@b> SMTPUTF8",
        "FROM:<a@[b>",
        "FROM:<" + "a" * 1000 + "@b>",
    ],
)
def test_a_malformed_sender_is_a_syntax_error(argument: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_mail(argument)

    assert refused.value.reply.code == 501


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("SIZE=", 501),
        ("SIZE", 501),
        ("SIZE=x", 501),
        ("SIZE=1 SIZE=2", 501),
        ("BODY=9BIT", 501),
        ("BODY=BINARYMIME", 501),
        ("SMTPUTF8=1", 501),
        ("=1", 501),
        ("AUTH=<>", 555),
        ("RET=HDRS", 555),
        ("XYZZY", 555),
    ],
)
def test_a_bad_or_unknown_parameter_is_refused(parameters: str, code: int) -> None:
    with pytest.raises(Refused) as refused:
        parse_mail(f"FROM:<a@b.example> {parameters}")

    assert refused.value.reply.code == code


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("FROM:<>", MailFrom("")),
        ("from: <>", MailFrom("")),
        ("FROM:<a@b.example>", MailFrom("a@b.example")),
        ("FROM:<a@b.example> SIZE=12 BODY=8BITMIME", MailFrom("a@b.example", 12, True)),
        ("FROM:<ü@b.example> SMTPUTF8", MailFrom("ü@b.example", smtputf8=True)),
        ("FROM:<@x.example,@y.example:a@b.example>", MailFrom("a@b.example")),
        ("FROM:<a..b.@c.example>", MailFrom("a..b.@c.example")),
        ('FROM:<"a b"@c.example>', MailFrom('"a b"@c.example')),
        ('FROM:<"a"@c.example>', MailFrom("a@c.example")),
        ('FROM:<"a\\b"@c.example>', MailFrom("ab@c.example")),
        ('FROM:<"a>b"@c.example>', MailFrom('"a>b"@c.example')),
        ("FROM:<a@[127.0.0.1]>", MailFrom("a@[127.0.0.1]")),
        ("FROM:<a@[IPv6:::1]>", MailFrom("a@[IPv6:::1]")),
        ("FROM:<MAILER-DAEMON>", MailFrom("MAILER-DAEMON")),
        ("FROM:<a=b!c%d@e.example>", MailFrom("a=b!c%d@e.example")),
    ],
)
def test_a_sender_and_its_parameters_are_read(argument: str, expected: MailFrom) -> None:
    assert parse_mail(argument) == expected


def test_a_sender_beyond_ascii_needs_smtputf8() -> None:  # 6531 3.5
    with pytest.raises(Refused) as refused:
        parse_mail("FROM:<ü@b.example>")

    assert (refused.value.reply.code, refused.value.reply.status) == (553, "5.6.7")


def test_a_recipient_beyond_ascii_needs_smtputf8() -> None:  # 6531 3.5
    assert parse_rcpt("TO:<ü@b.example>", smtputf8=True) == "ü@b.example"
    with pytest.raises(Refused):
        parse_rcpt("TO:<ü@b.example>", smtputf8=False)


@pytest.mark.parametrize("argument", ["TO:<>", "TO:", "FROM:<a@b>", "TO:<a@b> NOTIFY=NEVER"])
def test_a_bad_recipient_is_refused(argument: str) -> None:
    with pytest.raises(Refused):
        parse_rcpt(argument, smtputf8=True)


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_no_address_carries_a_control_character(text: str) -> None:
    try:
        address = parse_rcpt(f"TO:<{text}>", smtputf8=True)
    except Refused:
        return
    assert address.replace(" ", "").isprintable() or not address.isascii()
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in address)

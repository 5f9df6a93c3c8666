"""Mailbox names between Unicode forms, character sets and IMAP's revisions."""

from __future__ import annotations

import pytest

from mailhub.model.errors import NoSuchMailbox
from mailhub.model.mail import MailboxStatus
from tests.imap.harness import ImapClient, World

DECOMPOSED, COMPOSED = "u\u0308ber", "\u00fcber"


def rev2() -> ImapClient:
    client = World().connect("alice")
    client.ok("ENABLE IMAP4rev2")
    return client


def test_a_client_is_told_what_became_of_its_form_of_a_name() -> None:  # 9051 6.3.9.7
    client = rev2()

    assert client.ok(f'CREATE "{DECOMPOSED}"') == [
        f'* LIST () "/" "{COMPOSED}" ("OLDNAME" ("{DECOMPOSED}"))'
    ]
    assert f'* LIST (\\HasNoChildren) "/" "{COMPOSED}" ("OLDNAME" ("{DECOMPOSED}"))' in client.ok(
        f'SELECT "{DECOMPOSED}"'
    )
    assert client.ok(f'RENAME "{DECOMPOSED}" x') == [
        f'* LIST () "/" x ("OLDNAME" ("{DECOMPOSED}"))'
    ]
    client.ok(f'RENAME x "{COMPOSED}"')
    assert client.ok(f'DELETE "{DECOMPOSED}"') == [
        f'* LIST (\\NonExistent) "/" "{COMPOSED}" ("OLDNAME" ("{DECOMPOSED}"))'
    ]


def test_a_name_in_its_normal_form_is_not_commented_on() -> None:
    client = rev2()

    assert client.ok(f'CREATE "{COMPOSED}"') == []
    assert client.ok(f'RENAME "{COMPOSED}" inbox/x') == []
    assert client.ok("DELETE Inbox/x") == []


def test_imap4rev1_clients_are_not_told_of_forms() -> None:
    client = World().connect("alice")

    assert client.ok(f'CREATE "{DECOMPOSED}"') == []
    assert client.ok('LIST "" %') == [
        '* LIST (\\HasNoChildren) "/" INBOX',
        '* LIST (\\HasNoChildren) "/" &APw-ber',
    ]


@pytest.mark.parametrize("command", ["LIST", "LSUB", "XLIST"])
@pytest.mark.parametrize("pattern", ["a&b", "&", '"\x01"', "a//b", "&2ADYAA-", "x" * 3000])
def test_a_pattern_that_no_name_can_match_is_no_error(command: str, pattern: str) -> None:
    client = World().connect("alice")

    assert client.ok(f'{command} "" {pattern}') == []
    assert client.ok(f"{command} {pattern} x") == []


def test_too_many_patterns_are_refused() -> None:
    client = World().connect("alice")

    assert client.tagged(f'LIST "" ({"x " * 100}x)').startswith("BAD Too many patterns")
    assert client.ok(f'LIST "" ({"x " * 99}x)') == []


def test_a_mailbox_that_is_deleted_while_it_is_listed_has_no_status() -> None:  # 9051 6.3.9.2
    world = World()
    client = world.connect("alice")

    async def gone(name: str) -> MailboxStatus:
        raise NoSuchMailbox

    world.alice.status = gone  # type: ignore[method-assign]

    assert client.ok('LIST "" INBOX RETURN (STATUS (MESSAGES))') == [
        '* LIST (\\Noselect \\HasNoChildren) "/" INBOX'
    ]


def test_a_name_with_line_ends_cannot_get_in_or_out() -> None:
    world = World()
    client = world.connect("alice")

    for verb in ("CREATE", "SUBSCRIBE", "SELECT", "DELETE", "RENAME INBOX"):
        answer = client.send_octets(b"a %b {8+}\r\nx\r\n* BYE\r\n" % verb.encode())
        assert answer == ["a NO [CANNOT] A mailbox name must not contain control characters"]
    assert len(client.ok('LIST "" *')) == 1

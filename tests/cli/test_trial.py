"""``mailhub explain login`` and ``explain delivery``: tried by the server's own code."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from tests.cli.conftest import PASSWORD, Commands, Server

RULES = """
[[policy]]
name = "office"
accounts = ["alice@example.org"]
protocols = ["imap"]
networks = ["10.0.0.0/8"]
max_connections = 1

[[policy]]
name = "leavers"
accounts = ["bob@example.org"]
delivery = "refuse"
"""
HERE = ("--from-ip", "10.1.2.3")


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """alice and bob; tests change nothing, or take it back."""
    commands = Commands(tmp_path_factory.mktemp("trial") / "data")
    commands.json("domain", "add", "example.org")
    for address in ("alice@example.org", "bob@example.org"):
        commands.json("account", "add", address, "--password-stdin", input=PASSWORD + "\n")
    commands.json("alias", "add", "sales@example.org", "bob@example.org")
    return commands


@pytest.fixture(scope="module")
def config(commands: Commands) -> tuple[str, str]:
    file = commands.path.with_name("mailhub.toml")
    file.write_text(f'data_dir = "{commands.path}"\n{RULES}')
    return "--config", str(file)


def outcomes(found: dict[str, Any]) -> dict[str, str]:
    return {row["protocol"]: row["reply"] for row in found["outcomes"]}


def test_a_log_in_is_decided_for_each_protocol(commands: Commands, config: tuple[str, str]) -> None:
    answer = commands("explain", "login", "alice", *HERE, "--json", *config)
    assert answer.code == 1
    assert outcomes(answer.json) == {
        "imap": "OK",
        "pop3": "-ERR [AUTH] You may not log in this way",
    }
    assert answer.json["outcomes"][1]["detail"] == "policy office allows imap, not pop3"
    account = answer.json["steps"][1]
    assert (account["log_in_name"], account["address"]) == ("alice", "alice@example.org")
    assert commands("explain", "login", "alice", *HERE, "--protocol", "imap", *config).code == 0
    limits = [step for step in answer.json["steps"] if step["what"] == "quota"]
    assert [(step["of"], step["most"], step["decided_by"]) for step in limits] == [
        ("octets", "no limit", "configuration"),
        ("messages", "no limit", "configuration"),
    ]


@pytest.mark.parametrize(
    ("typed", "code", "reply"),
    [
        (PASSWORD, 0, "OK"),
        ("mistaken", 1, "NO [AUTHENTICATIONFAILED] Wrong user name or password"),
        ("", 1, "NO [AUTHENTICATIONFAILED] Wrong user name or password"),
        ("a\0b", 1, "NO [AUTHENTICATIONFAILED] Wrong user name or password"),
    ],
)
def test_a_password_is_proved_and_never_shown(
    commands: Commands, config: tuple[str, str], typed: str, code: int, reply: str
) -> None:
    words = ("explain", "login", "alice", "--protocol", "imap", "--password-stdin", *HERE)
    answer = commands(*words, "--json", *config, input=typed + "\n")
    assert answer.code == code
    assert outcomes(answer.json) == {"imap": reply}
    if typed:
        assert typed not in answer.out
        assert typed not in commands(*words, *config, input=typed + "\n").out


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (("nobody",), "NO [AUTHENTICATIONFAILED] Wrong user name or password"),
        (("alice", "--from-ip", "192.0.2.1"), "NO [AUTHORIZATIONFAILED] You may not log in"),
        (("alice", "--no-tls", *HERE), "NO [AUTHORIZATIONFAILED] You may not log in"),
    ],
)
def test_a_refusal_is_the_reply_that_a_client_would_get(
    commands: Commands, config: tuple[str, str], words: tuple[str, ...], reply: str
) -> None:
    answer = commands("explain", "login", *words, *config)
    assert answer.code == 1
    assert f"imap: {reply}" in answer.out
    assert "    meaning: " in answer.out


def test_the_connections_that_the_account_has_now_count(
    commands: Commands, config: tuple[str, str], server: Server
) -> None:
    answer = commands("explain", "login", "alice", *HERE, "--protocol", "imap", *config)
    assert answer.code == 1
    assert "imap: NO [LIMIT] Too many connections of this account (1 are open)" in answer.out


def test_a_try_leaves_no_trace(commands: Commands, config: tuple[str, str]) -> None:
    spool = commands.path / "spool"
    for name, age in (("explain-old", 7200), ("explain-new", 10)):
        (spool / name).mkdir()
        then = time.time() - age
        os.utime(spool / name, (then, then))
    before = commands.json("account", "show", "alice@example.org")
    commands("explain", "login", "alice", "--password-stdin", *config, input=PASSWORD + "\n")
    assert commands.json("account", "show", "alice@example.org") == before
    assert [path.name for path in spool.iterdir()] == ["explain-new"]  # somebody else's
    (spool / "explain-new").rmdir()


@pytest.mark.parametrize(
    ("address", "code", "reply"),
    [
        ("Alice+Work@EXAMPLE.org", 0, "250 2.1.5 Recipient ok"),
        ("alice", 0, "250 2.1.5 Recipient ok"),
        ("sales@example.org", 1, "550 5.7.1 This address takes no mail"),
        ("nobody@example.org", 1, "550 5.1.1 There is nobody of that address here"),
        ("@", 1, "550 5.1.1 There is nobody of that address here"),
    ],
)
def test_a_recipient_is_looked_for_as_lmtp_does(
    commands: Commands, config: tuple[str, str], address: str, code: int, reply: str
) -> None:
    answer = commands("explain", "delivery", address, "--size", "100", "--json", *config)
    assert answer.code == code
    assert outcomes(answer.json) == {"lmtp": reply}
    assert answer.json["steps"]
    assert reply in commands("explain", "delivery", address, *config).out


def test_a_message_that_is_too_large_is_refused_before_anybody_is_looked_for(
    commands: Commands, config: tuple[str, str]
) -> None:
    answer = commands("explain", "delivery", "nobody@example.org", "--size", "99999999", *config)
    assert "lmtp: 552 5.3.4" in answer.out
    assert "nobody" not in answer.out.splitlines()[0]


@pytest.mark.parametrize("name", ["\udcff", "a\0b", "\u0007", "x" * 2000])
@pytest.mark.parametrize("password", [(), ("--password-stdin",)])
def test_names_that_cannot_be_are_nobodys(
    commands: Commands, config: tuple[str, str], name: str, password: tuple[str, ...]
) -> None:
    answer = commands("explain", "login", *password, *config, "--", name, input="a secret\n")
    assert answer.code == 1
    assert "imap: NO [AUTHENTICATIONFAILED]" in answer.out


def test_a_disabled_recipient_is_told(commands: Commands, config: tuple[str, str]) -> None:
    commands.json("account", "disable", "alice@example.org")
    answer = commands("explain", "delivery", "alice+x@example.org", *config)
    assert answer.code == 1
    assert "lmtp: 550 5.2.1" in answer.out
    assert "outcome: disabled" in answer.out
    commands.json("account", "enable", "alice@example.org")


def test_an_address_of_a_client_is_one(commands: Commands) -> None:
    assert commands("explain", "login", "alice", "--from-ip", "here").code == 2


def test_of_a_master_user_the_limits_of_the_opened_account_are_told(commands: Commands) -> None:
    commands.json("quota", "set", "bob@example.org", "--octets", "1M")
    file = commands.path.with_name("masters.toml")
    file.write_text(f'data_dir = "{commands.path}"\n[auth]\nmasters = ["alice@example.org"]\n')
    words = ("explain", "login", "bob*alice@example.org", "--protocol", "imap")
    found = commands.json(*words, "--config", str(file))
    storage = next(step for step in found["steps"] if step["what"] == "quota")
    assert storage["most"] == 1024 * 1024
    commands.json("quota", "set", "bob@example.org", "--octets", "default")

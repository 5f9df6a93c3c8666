"""Log-ins and deliveries of a directory's people tried out, against a real OpenLDAP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Commands
from tests.directory.conftest import secret, slapd, tls
from tests.directory.people import GROUPS, PEOPLE, SERVICE, password
from tests.directory.slapd import Slapd

__all__ = ["secret", "slapd", "tls"]

RULES = """
[[policy]]
name = "only alice"
groups = ["only alice"]
protocols = ["pop3"]
delivery = "refuse"
"""


@pytest.fixture
def config(commands: Commands, slapd: Slapd, secret: Path, tmp_path: Path) -> tuple[str, str]:
    file = tmp_path / "mailhub.toml"
    file.write_text(
        f"""
data_dir = "{commands.path}"
[[directory]]
name = "corp"
domains = ["example.org"]
servers = ["{slapd.secure}"]
preset = "openldap"
tls_ca = "{slapd.ca}"
bind_dn = "{SERVICE}"
bind_password_file = "{secret}"
user_base = "{PEOPLE}"
operation_timeout = 1.0
[directory.groups]
base = "{GROUPS}"
{RULES}"""
    )
    return "--config", str(file)


def steps(found: dict[str, Any], what: str) -> list[dict[str, Any]]:
    return [step for step in found["steps"] if step["what"] == what]


def test_each_question_to_the_directory_is_a_step_and_nobody_gets_an_account(
    commands: Commands, config: tuple[str, str]
) -> None:
    words = ("explain", "login", "alice", "--protocol", "pop3", "--json", *config)
    answer = commands(*words)
    assert answer.code == 0, answer
    found = answer.json
    (search, *_) = steps(found, "search")
    assert "uid=alice" in search["filter"]
    assert search["ms"] >= 0
    assert search["server"].startswith("ldaps://")
    (person,) = steps(found, "person")
    assert person["addresses"][0] == "alice@example.org"
    assert "userPassword" not in str(person)
    (account,) = steps(found, "account")[1:]
    assert (account["address"], account["created"]) == ("alice@example.org", True)
    (groups,) = steps(found, "belongs to")
    assert "only alice" in groups["groups"]
    assert commands.json("account", "list") == []


def test_a_rule_for_a_group_decides(commands: Commands, config: tuple[str, str]) -> None:
    answer = commands("explain", "login", "alice", *config)
    assert answer.code == 1
    assert "imap: NO [AUTHORIZATIONFAILED]" in answer.out
    assert "policy only alice allows pop3, not imap" in answer.out
    assert "pop3: +OK" in answer.out


@pytest.mark.parametrize(("typed", "code"), [(password("p001"), 0), ("mistaken", 1)])
def test_a_password_is_proved_by_the_directory(
    commands: Commands, config: tuple[str, str], typed: str, code: int
) -> None:
    words = ("explain", "login", "p001", "--password-stdin", "--protocol", "imap", "--json")
    answer = commands(*words, *config, input=typed + "\n")
    assert answer.code == code, answer
    assert steps(answer.json, "bind")
    assert typed not in answer.out
    assert commands.json("account", "list") == []


def test_nobody_is_told_as_every_client_is(commands: Commands, config: tuple[str, str]) -> None:
    answer = commands("explain", "login", "nobody", "--json", *config)
    assert answer.code == 1
    assert answer.json["outcomes"][0]["outcome"] == "NoSuchPerson"
    assert "unknown to local accounts, directory corp" in answer.json["outcomes"][0]["detail"]
    assert not steps(answer.json, "password")


def test_mail_is_looked_for_in_the_directory_too(
    commands: Commands, config: tuple[str, str]
) -> None:
    answer = commands("explain", "delivery", "p001+lists@example.org", "--json", *config)
    assert answer.code == 0, answer
    assert answer.json["outcomes"][0]["account"] == "p001@example.org"
    assert steps(answer.json, "account")[0]["created"] is True
    assert commands.json("account", "list") == []

    refused = commands("explain", "delivery", "alice@example.org", *config)
    assert refused.code == 1
    assert "550 5.7.1" in refused.out


def test_a_directory_that_is_away_is_not_now(
    commands: Commands, config: tuple[str, str], slapd: Slapd
) -> None:
    slapd.kill()
    try:
        login = commands("explain", "login", "alice", "--protocol", "imap", *config)
        delivery = commands("explain", "delivery", "alice@example.org", *config)
    finally:
        slapd.start()
    assert (login.code, delivery.code) == (75, 75)
    assert "imap: NO [UNAVAILABLE]" in login.out
    assert "lmtp: 451 4.3.0" in delivery.out


def test_what_only_the_password_shows_is_said_to_need_it(
    commands: Commands, config: tuple[str, str], tmp_path: Path
) -> None:
    option, file = config
    text = Path(file).read_text()
    own = f'mode = "template-bind"\ndn_template = "uid={{local}},{PEOPLE}"'
    for line in text.splitlines():
        if line.startswith("user_base"):
            text = text.replace(line, own)
        if line.startswith("bind_") or "groups" in line:
            text = text.replace(line, "")
    text = text.replace(f'base = "{GROUPS}"', '[directory.groups]\nmode = "none"')
    (alone := tmp_path / "alone.toml").write_text(text)
    told = commands("explain", "login", "alice", option, str(alone))
    assert told.code == 75
    assert "imap: cannot be told without the password" in told.out
    assert "--password-stdin" in told.out

"""``mailhub policy``: who may do what, and what a change would do, before it is made."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mailhub.directory.lookup import Lookup
from mailhub.directory.servers import Deadline
from tests.cli.conftest import Commands
from tests.directory.conftest import secret, slapd, tls
from tests.directory.people import GROUPS, PEOPLE, SERVICE
from tests.directory.slapd import Slapd

__all__ = ["secret", "slapd", "tls"]  # fixtures: one directory for each process

RULES = """
[[policy]]
name = "bob"
accounts = ["bob@example.org"]
protocols = ["imap"]

[[policy]]
name = "all"
networks = ["10.0.0.0/8"]
"""


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """alice and bob, who cannot log in: nothing here asks for a password."""
    commands = Commands(tmp_path_factory.mktemp("policy") / "data")
    commands.json("domain", "add", "example.org")
    for address in ("alice@example.org", "bob@example.org"):
        commands.json("account", "add", address, "--no-password")
    return commands


@pytest.fixture
def file(commands: Commands, tmp_path: Path) -> Path:
    """A configuration with rules."""
    file = tmp_path / "mailhub.toml"
    file.write_text(f'data_dir = "{commands.path}"\n{RULES}')
    return file


def changed(file: Path, old: str, new: str) -> Path:
    text = file.read_text()
    assert old in text
    planned = file.with_name("planned.toml")
    planned.write_text(text.replace(old, new))
    return planned


def test_what_holds_for_an_account_names_what_decided_it(commands: Commands, file: Path) -> None:
    config = ("--config", str(file))
    shown = commands.json("policy", "show", "bob@example.org", *config)
    assert [(row["setting"], row["value"], row["decided_by"]) for row in shown["settings"]] == [
        ("protocols", "imap", "policy bob"),
        ("networks over imap", "10.0.0.0/8", "policy all"),
        ("networks over pop3", "10.0.0.0/8", "policy all"),
        ("max_connections", "100", "limits.max_connections_per_account"),
        ("delivery", "accept", "no rule"),
        ("quota_octets", "no limit", "configuration"),
        ("quota_messages", "no limit", "configuration"),
    ]
    assert "policy bob" in commands("policy", "show", "bob@example.org", *config).out
    assert commands("policy", "show", "nobody@example.org", *config).code == 1


def test_the_rules_are_listed_with_the_number_of_accounts(commands: Commands, file: Path) -> None:
    shown = commands.json("policy", "show", "--config", str(file))
    assert [(row["name"], row["decides_for"]) for row in shown] == [("bob", 1), ("all", 2)]
    assert commands("policy", "show").out.startswith("There is no [[policy]]")


def test_conditions_that_nobody_meets_are_noted(commands: Commands, file: Path) -> None:
    planned = changed(file, '["bob@example.org"]', '["bob@example.org", "Bob@example.com"]')
    answer = commands("policy", "show", "--config", str(planned))
    assert answer.code == 0
    assert answer.err == (
        "note: policy bob: accounts: no account here is matched by Bob@example.com\n"
    )


def test_a_difference_names_everybody_who_would_gain_or_lose(
    commands: Commands, file: Path
) -> None:
    planned = changed(file, '["imap"]', '["imap", "pop3"]')
    words = ("policy", "diff", str(planned), "--config", str(file))
    (row,) = commands.json(*words)
    assert (row["account"], row["change"], row["setting"]) == (
        "bob@example.org",
        "gains",
        "protocols",
    )
    answer = commands(*words)
    assert answer.code == 0
    assert "bob@example.org  gains" in answer.out
    assert answer.err == "Of 2 accounts 0 would lose something, 1 would gain something\n"


def test_limits_of_mail_are_compared_with_all_their_sources(commands: Commands, file: Path) -> None:
    planned = changed(file, '["imap"]', '["imap"]\nquota_octets = 1000\nquota_messages = 0')
    words = ("policy", "diff", str(planned), "--config", str(file))
    (row,) = commands.json(*words)
    assert (row["setting"], row["before"], row["after"], row["change"], row["decided_by"]) == (
        *("quota_octets", "no limit", "1000", "loses"),
        "policy bob",
    )
    commands.json("quota", "set", "bob@example.org", "--octets", "2000")
    assert commands.json(*words) == []
    commands.json("quota", "set", "bob@example.org", "--octets", "default")


def test_nothing_changes_nothing(commands: Commands, file: Path) -> None:
    answer = commands("policy", "diff", str(file), "--config", str(file))
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == "Of 2 accounts none would gain or lose anything\n"


def test_a_plan_with_mistakes_is_refused(commands: Commands, file: Path) -> None:
    planned = changed(file, "10.0.0.0/8", "10.0.0.1/8")
    answer = commands("policy", "diff", str(planned), "--config", str(file))
    assert answer.code == 1
    assert "host bits" in answer.err
    assert commands("policy", "diff", "/nonexistent.toml").code == 2


def test_people_of_a_directory_count_with_the_groups_of_today(
    commands: Commands,
    file: Path,
    slapd: Slapd,
    secret: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_person = Deadline(time.monotonic())  # too short for everybody
    monkeypatch.setattr(Lookup, "deadline", lambda self: one_person)
    directory = f"""
[[directory]]
name = "corp"
servers = ["{slapd.secure}"]
preset = "openldap"
tls_ca = "{slapd.ca}"
bind_dn = "{SERVICE}"
bind_password_file = "{secret}"
user_base = "{PEOPLE}"
[directory.groups]
base = "{GROUPS}"
"""
    first = '\n[[policy]]\nname = "bob"'
    groups = 'groups = ["Only Comma", "Only Alice"]'
    rule = f'\n[[policy]]\nname = "staff"\n{groups}\nprotocols = ["pop3"]\n'
    planned = changed(file, first, directory + rule + first)
    words = ("policy", "diff", str(planned), "--config", str(file))
    assert commands.json(*words) == []
    found = commands.json(*words, "--directory")
    assert [(row["account"], row["decided_by"], row["has_account"]) for row in found] == [
        ("comma@example.org", "policy staff", False)
    ]  # alice is somebody else here: a local account is nobody's in a directory
    slapd.kill()
    try:
        answer = commands(*words, "--directory")
        assert answer.code == 1
        assert "directory corp: " in answer.err
    finally:
        slapd.start()

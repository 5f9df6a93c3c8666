from __future__ import annotations

from typing import Any

from tests.cli.conftest import Commands


def test_an_alias_needs_an_account_that_exists(commands: Commands) -> None:
    answer = commands("alias", "add", "post@example.org", "nobody@example.org")
    assert answer.err == "mailhub: No such account: nobody@example.org\n"
    assert answer.code == 1


def test_an_alias_lives_its_life(commands: Commands, alice: dict[str, Any]) -> None:
    added = commands.json("alias", "add", "Post@example.org", "alice@example.org")
    assert (added["alias"], added["account_id"]) == ("post@example.org", alice["id"])
    assert not commands.json("alias", "disable", "post@example.org")["enabled"]
    renamed = commands.json("alias", "rename", "post@example.org", "office@example.org")
    assert (renamed["alias"], renamed["enabled"]) == ("office@example.org", False)
    assert commands.json("alias", "enable", "office@example.org")["enabled"]
    assert commands.json("alias", "show", "office@example.org")["account"] == "alice@example.org"
    commands.json("alias", "delete", "office@example.org")
    assert commands.json("alias", "list") == []


def test_aliases_are_listed_by_domain_and_account(
    commands: Commands, alice: dict[str, Any]
) -> None:
    commands("domain", "add", "example.net")
    commands("account", "add", "bob@example.org", "--no-password")
    commands("alias", "add", "one@example.net", "alice@example.org")
    commands("alias", "add", "two@example.org", "bob@example.org")

    def listed(*words: str) -> list[str]:
        return [alias["alias"] for alias in commands.json("alias", "list", *words)]

    assert listed() == ["one@example.net", "two@example.org"]
    assert listed("--domain", "example.net") == ["one@example.net"]
    assert listed("--account", "bob@example.org") == ["two@example.org"]
    assert "bob@example.org" in commands("alias", "list").out


def test_an_account_is_not_deleted_as_an_alias(commands: Commands, alice: dict[str, Any]) -> None:
    assert commands("alias", "delete", "alice@example.org").code == 1

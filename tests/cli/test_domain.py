from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Commands, Server


@pytest.mark.parametrize("name", ["", "-x", "exa mple", "a..b", "x\r\ny"])
def test_a_bad_name_is_refused_in_one_line(commands: Commands, name: str) -> None:
    answer = commands("domain", "add", "--", name)
    assert answer.code == 1
    assert answer.err.startswith("mailhub: ")
    assert answer.err.count("\n") == 1


def test_the_first_domain_sets_up_the_data_directory(fresh: Commands) -> None:
    added = fresh.json("domain", "add", "Example.ORG")
    assert (added["domain"], added["enabled"], added["accounts"]) == ("example.org", True, 0)
    assert (fresh.path / "hub.db").exists()


def test_a_domain_is_added_once(commands: Commands) -> None:
    answer = commands("domain", "add", "EXAMPLE.org")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "mailhub: The domain example.org exists already\n"


def test_domains_are_listed_for_people_and_for_programs(commands: Commands) -> None:
    commands("domain", "add", "bücher.example")
    assert commands("domain", "list").out.split()[:5] == [
        *("domain", "enabled", "accounts", "aliases", "catch"),
    ]
    listed = commands.json("domain", "list")
    assert [domain["domain"] for domain in listed] == ["example.org", "xn--bcher-kva.example"]
    assert listed[1]["unicode"] == "bücher.example"


def test_a_domain_is_shown(commands: Commands) -> None:
    assert "example.org" in commands("domain", "show", "example.org").out
    assert commands("domain", "show", "example.net").err == "mailhub: No such domain: example.net\n"


def test_renaming_a_domain_renames_its_accounts(commands: Commands, alice: dict[str, Any]) -> None:
    commands.json("domain", "rename", "example.org", "example.net")
    shown = commands.json("account", "show", "alice@example.net")
    assert shown["id"] == alice["id"]


def test_disabling_a_domain_ends_the_sessions_of_its_accounts(
    commands: Commands, alice: dict[str, Any], server: Server
) -> None:
    assert not commands.json("domain", "disable", "example.org")["enabled"]
    assert server("end") == {"command": "end", "account": alice["id"]}
    assert not commands.json("account", "show", alice["id"])["domain_enabled"]
    assert commands.json("domain", "enable", "example.org")["enabled"]


def test_a_domain_in_use_is_not_deleted(commands: Commands, alice: dict[str, Any]) -> None:
    answer = commands("domain", "delete", "example.org")
    assert answer.code == 1
    assert "still has accounts (1) or aliases (0)" in answer.err
    commands.json("account", "delete", "alice@example.org", "--yes")
    commands.json("domain", "delete", "example.org")
    assert commands.json("domain", "list") == []


def test_a_catch_all_is_set_and_taken_away(commands: Commands, alice: dict[str, Any]) -> None:
    assert commands("domain", "catch-all", "example.org").code == 2
    assert commands("domain", "catch-all", "example.org", "bob@example.org").code == 1
    set_to = commands.json("domain", "catch-all", "example.org", "Alice@example.org")
    assert set_to["catch_all"] == "alice@example.org"
    assert commands.json("domain", "catch-all", "example.org", "--none")["catch_all"] is None

"""``mailhub app-password``, and what becomes of its secrets in hub.db."""

from __future__ import annotations

from typing import Any

import pytest

from mailhub.model.apppasswords import digest, generate
from mailhub.store.hub import apppasswords
from mailhub.store.hub.database import HubFile
from mailhub.store.hub.datadir import DataDir
from tests.cli.conftest import PASSWORD, Commands

ALICE = "alice@example.org"


@pytest.mark.parametrize(
    "words",
    [
        ("--network", "10.0.0.1/8"),
        ("--network", "home"),
        ("--expires", "0d"),
        ("--expires", "999999d"),
        ("--expires", "soon"),
        ("--expires", "2001-01-01"),
        ("--protocol", "lmtp"),
    ],
)
def test_wrong_usage_adds_nothing(
    commands: Commands, alice: dict[str, Any], words: tuple[str, ...]
) -> None:
    assert commands("app-password", "add", ALICE, "phone", *words).code == 2
    assert commands.json("app-password", "list") == []


def test_what_cannot_be_is_refused(commands: Commands, alice: dict[str, Any]) -> None:
    assert commands("app-password", "add", "nobody@example.org", "phone").code == 1
    assert commands("app-password", "revoke", ALICE, "phone").err.endswith("app password phone\n")
    for name in ("", " ", "a\nb", "x" * 101):
        assert commands("app-password", "add", ALICE, name).code == 1
    commands.json("app-password", "add", ALICE, "phone")
    again = commands("app-password", "add", ALICE, "Phone")
    assert again.err == "mailhub: There is an app password Phone already\n"


def test_nobody_can_choose_a_password_that_looks_like_one(
    commands: Commands, alice: dict[str, Any]
) -> None:
    answer = commands("passwd", ALICE, "--password-stdin", input=generate() + "\n")
    assert (answer.code, answer.err) == (
        1,
        "mailhub: A password must not look like an app password\n",
    )


def test_an_app_password_lives_its_life(
    commands: Commands, alice: dict[str, Any], data: DataDir
) -> None:
    words = ("--protocol", "imap", "--network", "10.0.0.0/8", "--read-only", "--expires", "90d")
    added = commands.json("app-password", "add", ALICE, "the phone", *words)
    secret = digest(added.pop("password"))
    (listed,) = commands.json("app-password", "list", ALICE)
    assert listed == added
    assert (listed["protocols"], listed["networks"], listed["read_only"]) == (
        ["imap"],
        ["10.0.0.0/8"],
        True,
    )
    assert listed["last_used"] is None
    assert "the phone" in commands("app-password", "list").out
    assert secret is not None
    hub = HubFile.open(data.hub_db)
    with hub.write() as tx:
        found = apppasswords.of_digest(tx, secret)
        assert found is not None
        apppasswords.record_use(tx, found.number, 1_700_000_000, "10.0.0.7")
        apppasswords.record_use(tx, found.number, 1_600_000_000, "10.0.0.8")
    hub.close()
    (listed,) = commands.json("app-password", "list")
    assert (listed["last_used"], listed["from"]) == ("2023-11-14T22:13:20Z", "10.0.0.7")
    commands.json("app-password", "revoke", ALICE, "The Phone")
    assert commands.json("app-password", "list", ALICE) == []


def test_renaming_keeps_and_deleting_takes_them(commands: Commands, alice: dict[str, Any]) -> None:
    commands.json("app-password", "add", ALICE, "phone", "--expires", "2999-12-31")
    commands.json("account", "rename", ALICE, "al@example.org")
    assert commands.json("app-password", "list")[0]["account"] == "al@example.org"
    commands("account", "delete", "al@example.org", "--yes")
    assert commands.json("app-password", "list") == []


def test_explain_tries_one_without_noting_a_use(commands: Commands, alice: dict[str, Any]) -> None:
    words = ("app-password", "add", ALICE, "phone", "--protocol", "imap")
    made = commands.json(*words)["password"]
    tried = commands("explain", "login", ALICE, "--password-stdin", "--json", input=made + "\n")
    assert [outcome["outcome"] for outcome in tried.json["outcomes"]] == ["ok", "LogInForbidden"]
    assert commands.json("app-password", "list")[0]["last_used"] is None
    right = commands("explain", "login", ALICE, "--password-stdin", input=PASSWORD + "\n")
    assert right.code == 0

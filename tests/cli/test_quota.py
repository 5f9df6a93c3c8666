"""``mailhub quota``: limits, their sources, and the ledger."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Commands

ALICE = "alice@example.org"


def limit(shown: dict[str, Any], name: str) -> tuple[object, str]:
    (row,) = [row for row in shown["limits"] if row["limit"] == name]
    return row["value"], row["source"]


@pytest.mark.parametrize(
    "words",
    [
        ("set",),
        ("set", ALICE),
        ("set", "--octets", "5"),
        ("set", ALICE, "--domain", "example.org", "--octets", "5"),
        ("set", ALICE, "--octets", "much"),
        ("set", ALICE, "--octets", "-5"),
        ("set", ALICE, "--octets", "99999999999999999T"),
        ("set", ALICE, "--total", "--octets", "5"),
        ("set", "--domain", "example.org", "--total", "--mailboxes", "5"),
        ("explain",),
        ("show", ALICE, "--domain", "example.org"),
    ],
)
def test_wrong_usage_is_told(commands: Commands, alice: object, words: tuple[str, ...]) -> None:
    answer = commands("quota", *words)
    assert answer.code == 2
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    "words", [("show", "nobody@example.org"), ("explain", "--domain", "nowhere.example")]
)
def test_who_does_not_exist_has_no_quota(commands: Commands, words: tuple[str, ...]) -> None:
    answer = commands("quota", *words)
    assert answer.code == 1
    assert answer.err.startswith("mailhub: No such ")


def test_limits_are_set_and_explained_with_their_source(commands: Commands, alice: object) -> None:
    commands.json("quota", "set", "--domain", "example.org", "--octets", "1G", "--messages", "9")
    commands.json("quota", "set", ALICE, "--octets", "5G")
    told = commands.json("quota", "explain", ALICE)
    value, source = limit(told, "octets")
    assert (value, source.split(" ")[0]) == (5 << 30, "administrator")
    assert limit(told, "messages")[0] == 9
    assert limit(told, "mailboxes") == ("no limit", "configuration")
    commands.json("quota", "set", ALICE, "--octets", "default")
    assert limit(commands.json("quota", "explain", ALICE), "octets")[0] == 1 << 30
    commands.json("quota", "set", ALICE, "--octets", "none")
    assert limit(commands.json("quota", "explain", ALICE), "octets")[0] == "no limit"


def test_totals_of_a_domain_are_shown(commands: Commands, alice: object) -> None:
    set_ = commands.json("quota", "set", "--domain", "example.org", "--total", "--octets", "10K")
    assert set_["octet_limit"] == 10 << 10
    (row,) = commands.json("quota", "show")
    assert (row["domain"], row["accounts"], row["percent"]) == ("example.org", 1, 0)
    shown = commands.json("quota", "show", "--domain", "example.org")
    assert [each["account"] for each in shown["of"]] == [ALICE]


def test_people_read_tables(commands: Commands, alice: object) -> None:
    commands.json("quota", "set", ALICE, "--octets", "1K")
    shown = commands("quota", "show", "--domain", "example.org")
    assert shown.code == 0
    assert ALICE in shown.out
    told = commands("quota", "explain", ALICE)
    assert told.code == 0
    assert "The ledger, newest first:" in told.out


def test_the_report_is_a_table_json_csv_and_a_page(
    commands: Commands, alice: object, tmp_path: Path
) -> None:
    commands.json("quota", "set", "--domain", "example.org", "--total", "--octets", "1K")
    document = commands.json("report", "quota")
    assert document["domains"][0]["name"] == "example.org"
    assert document["accounts"][0]["full_on"] is None
    assert ALICE in commands("report", "quota").out
    table = list(csv.DictReader(io.StringIO(commands("report", "quota", "--csv").out)))
    assert [(row["kind"], row["name"]) for row in table] == [
        ("domain", "example.org"),
        ("account", ALICE),
    ]
    page = tmp_path / "quota.html"
    assert commands("report", "quota", "--html", str(page), "--domain", "example.org").code == 0
    text = page.read_text()
    assert "<svg" in text
    assert "http" not in text.replace("http-equiv", "")
    assert commands("report", "quota", "--domain", "nowhere.example").code == 1


def test_no_address_is_a_formula_in_a_spreadsheet(commands: Commands, alice: object) -> None:
    commands.json("account", "add", "=1+1@example.org", "--generate")
    table = csv.DictReader(io.StringIO(commands("report", "quota", "--csv").out))
    assert [row["name"] for row in table] == ["example.org", "'=1+1@example.org", ALICE]


def test_a_domain_is_explained_with_what_it_keeps(commands: Commands, alice: object) -> None:
    told = commands.json("quota", "explain", "--domain", "example.org")
    assert told["usage"] == {"accounts": 1, "octets": 0, "messages": 0, "percent": 0}
    assert (told["folders"], told["grace"]) == ([], 0)
    shown = commands("quota", "explain", "--domain", "example.org")
    assert "accounts" in shown.out
    assert "ledger" not in shown.out

from __future__ import annotations

from typing import Any

import apsw

from mailhub.store.hub.datadir import DataDir
from tests.cli.conftest import Commands


def damage(data: DataDir, account: str) -> None:
    (path,) = data.accounts.glob(f"*/{account}.db")
    db = apsw.Connection(str(path))
    db.execute("UPDATE mailbox SET unseen = 77 WHERE name = 'INBOX'")
    db.close()


def test_a_store_in_order_is_told_so(commands: Commands, alice: dict[str, Any]) -> None:
    answer = commands("doctor")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "1 account examined, everything is in order\n"
    assert commands.json("doctor") == {"ok": True, "accounts": 1, "findings": []}


def test_what_is_wrong_is_told_and_put_right_when_asked(
    commands: Commands, alice: dict[str, Any], data: DataDir
) -> None:
    damage(data, alice["id"])
    answer = commands("doctor")
    assert answer.code == 1
    assert "alice@example.org" in answer.out
    assert answer.err == "mailhub: 1 problem found; --repair puts some of them right\n"
    assert commands("doctor", "--json").json["findings"][0]["state"] == "repairable"
    repaired = commands.json("doctor", "--repair")
    assert (repaired["ok"], repaired["findings"][0]["state"]) == (True, "repaired")
    assert commands("doctor").code == 0


def test_one_account_may_be_examined_alone(
    commands: Commands, alice: dict[str, Any], data: DataDir
) -> None:
    commands("account", "add", "bob@example.org", "--no-password")
    damage(data, alice["id"])
    assert commands("doctor", "--account", "bob@example.org").code == 0
    assert commands("doctor", "--account", "alice@example.org").code == 1
    assert commands("doctor", "--account", "nobody@example.org").code == 1

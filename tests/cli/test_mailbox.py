from __future__ import annotations

from typing import Any

import pytest

from mailhub.store.hub.bell import Bell
from mailhub.store.hub.datadir import DataDir
from tests.cli.conftest import Commands, Server

ALICE = "alice@example.org"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("create", ALICE, ""), "must not be empty"),
        (("create", ALICE, "a\r\nb"), "control characters"),
        (("create", ALICE, "Sent"), "exists already"),
        (("status", ALICE, "Nowhere"), "No such mailbox"),
        (("delete", ALICE, "INBOX", "--yes"), ""),
        (("rename", ALICE, "Nowhere", "Else"), "No such mailbox"),
        (("list", "nobody@example.org"), "No such account"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    commands: Commands, alice: dict[str, Any], words: tuple[str, ...], complaint: str
) -> None:
    answer = commands("mailbox", *words)
    assert answer.code == 1
    assert complaint in answer.err
    assert answer.err.count("\n") == 1


def test_a_folder_lives_its_life(commands: Commands, alice: dict[str, Any]) -> None:
    def listed() -> dict[str, Any]:
        return {box["mailbox"]: box for box in commands.json("mailbox", "list", ALICE)}

    made = commands.json("mailbox", "create", ALICE, "Work/Plans")
    assert made["mailbox"] == "Work/Plans"
    assert {"Work", "Work/Plans"} <= listed().keys()
    assert listed()["Work/Plans"]["subscribed"]
    commands.json("mailbox", "unsubscribe", ALICE, "Work/Plans")
    assert not listed()["Work/Plans"]["subscribed"]
    commands.json("mailbox", "subscribe", ALICE, "Work/Plans")
    commands.json("mailbox", "rename", ALICE, "Work/Plans", "Ideas")
    assert listed()["Ideas"]["subscribed"]
    shown = commands.json("mailbox", "status", ALICE, "Ideas")
    assert (shown["messages"], shown["uidnext"]) == (0, 1)
    assert commands("mailbox", "delete", ALICE, "Ideas", input="n\n").code == 1
    assert commands("mailbox", "delete", ALICE, "Ideas", input="y\n").code == 0
    assert not listed().get("Ideas", {}).get("exists")


def test_a_folder_may_have_a_use_and_no_subscription(
    commands: Commands, alice: dict[str, Any]
) -> None:
    words = ("create", ALICE, "Everything", "--special-use", "all", "--no-subscribe")
    assert commands.json("mailbox", *words)["special_use"] == ["\\All"]
    boxes = {box["mailbox"]: box for box in commands.json("mailbox", "list", ALICE)}
    assert not boxes["Everything"]["subscribed"]


def test_people_see_a_table(commands: Commands, alice: dict[str, Any]) -> None:
    lines = commands("mailbox", "list", ALICE).out.splitlines()
    assert lines[0].split()[:3] == ["mailbox", "messages", "unseen"]
    assert any(line.startswith("INBOX ") for line in lines)
    assert "uidvalidity" in commands("mailbox", "status", ALICE).out


def test_a_change_rings_for_the_processes_that_serve_the_account(
    commands: Commands, alice: dict[str, Any], data: DataDir
) -> None:
    bell = Bell.open(data.bell)
    calls: list[int] = []
    number = 1
    bell.watch(number, lambda: calls.append(number))
    commands.json("mailbox", "create", ALICE, "Plans")
    bell.look()
    assert calls == [number]
    bell.stop()


def test_folders_are_changed_beside_a_server(
    commands: Commands, alice: dict[str, Any], server: Server
) -> None:
    assert commands.json("mailbox", "create", ALICE, "Plans")["mailbox"] == "Plans"

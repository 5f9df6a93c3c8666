"""``mailhub stale-clients``: records, and a real phone with an old password."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailhub.net.stale import Presenter
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.staleclients import StaleClients
from tests.cli.conftest import Commands

PHONE = Presenter("alice@example.org", "192.0.2.1", "imap", "PLAIN")


@pytest.fixture
def noted(data: DataDir) -> None:
    clients = StaleClients(data, lambda: 1_700_000_000.0)
    clients.seen(PHONE, 1, 1_600_000_000.0)
    clients.seen(replace(PHONE, user="bob", protocol="pop3"), 3, None)
    gone = replace(PHONE, user="carol", mechanism="SCRAM-SHA-256")
    clients.seen(gone, 3, None)
    clients.ended(gone)
    clients.close()


def test_nobody_is_told_in_words(commands: Commands) -> None:
    answer = commands("stale-clients")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith("No client")


@pytest.mark.usefixtures("noted")
def test_clients_are_listed_with_what_they_present(commands: Commands) -> None:
    found = commands.json("stale-clients")
    assert [(row["user"], row["what"], row["attempts"]) for row in found] == [
        ("alice@example.org", "an old password", 1),
        ("bob", "the same wrong password", 3),
    ]
    assert (found[0]["worked"], found[0]["since"]) == (
        "2020-09-13T12:26:40Z",
        "2023-11-14T22:13:20Z",
    )
    assert "an old password" in commands("stale-clients").out
    assert len(commands.json("stale-clients", "--all")) == 3


@pytest.mark.usefixtures("noted")
@pytest.mark.parametrize(
    ("user", "number"),
    [("alice", 1), ("ALICE@example.org", 1), ("alice@example.com", 0), ("bob@example.org", 1)],
)
def test_a_user_is_found_by_either_name(commands: Commands, user: str, number: int) -> None:
    assert len(commands.json("stale-clients", user)) == number

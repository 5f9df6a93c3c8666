"""``mailhub explain``: what is known about a refusal, by the id that a client was shown."""

from __future__ import annotations

import pytest

from mailhub import interfaces
from mailhub.cli.meanings import MEANINGS
from mailhub.model import errors
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.refusals import Record, Refusals
from tests.cli.conftest import Commands

WRONG: Record = {
    "time": 1_700_000_000.25,
    "event": "login.refused",
    "reason_id": "r-1abcde0z",
    "conn": "k3f1",
    "protocol": "imap",
    "peer": "192.0.2.1",
    "mechanism": "PLAIN",
    "user": "alice\x1b[31m",
    "outcome": "BadCredentials",
    "reason": "BadCredentials",
    "detail": "wrong password",
    "steps": [{"what": "source", "name": "corp", "outcome": "wrong password"}],
}
NOBODY: Record = {
    "time": 1_700_000_100.0,
    "event": "recipient.refused",
    "reason_id": "r-2222bbbb",
    "protocol": "lmtp",
    "peer": "unix",
    "recipient": "Nobody@example.org",
    "sender": "a@example.com",
    "reason": "There is nobody of that address here",
    "outcome": "NoSuchRecipient",
}


@pytest.fixture(autouse=True)
def refused(data: DataDir) -> None:
    refusals = Refusals(data)
    for record in (WRONG, NOBODY):
        refusals.keep(record)
    refusals.close()


@pytest.mark.parametrize(
    "typed", ["r-1abcde0z", "1abcde0z", "(r-1abcde0z)", "R-IABCDEOZ", "[r-labcde0z]."]
)
def test_an_id_is_understood_however_it_was_copied(commands: Commands, typed: str) -> None:
    answer = commands("explain", typed)
    assert answer.code == 0
    assert answer.out.startswith("r-1abcde0z: alice")
    lines = answer.out.splitlines()
    assert "peer       192.0.2.1" in lines
    assert "  1  source  name: corp, outcome: wrong password" in lines
    assert lines[-1].startswith("Unknown user or wrong password")
    assert "\x1b" not in answer.out


def test_programs_get_the_whole_record(commands: Commands) -> None:
    found = commands.json("explain", "r-1abcde0z")
    assert (found["user"], found["time"]) == ("alice\x1b[31m", "2023-11-14T22:13:20Z")
    assert found["steps"][0]["name"] == "corp"
    assert found["meaning"]


def test_an_id_that_nothing_is_known_of_is_told_apart_from_no_id(commands: Commands) -> None:
    unknown = commands("explain", "r-99999999")
    assert (unknown.code, unknown.out) == (1, "")
    assert "nothing is kept about r-99999999" in unknown.err
    assert commands("explain", "r-1").code == 2
    assert commands("explain", "id", "no id").code == 2


def test_the_latest_refusals_are_listed_also_of_one_account(commands: Commands) -> None:
    everything = commands.json("explain", "recent")
    assert [row["reason_id"] for row in everything] == ["r-2222bbbb", "r-1abcde0z"]
    (row,) = commands.json("explain", "recent", "--account", "nobody@example.org")
    assert row["outcome"] == "NoSuchRecipient"
    assert commands.json("explain", "recent", "--limit", "1") == everything[:1]


def test_every_class_of_refusal_has_a_meaning() -> None:
    def below(kind: type) -> set[str]:
        return {kind.__name__}.union(*map(below, kind.__subclasses__()))

    own = below(errors.Refusal) & set(vars(errors))
    assert own | (below(interfaces.LogInRefused) & set(vars(interfaces))) <= set(MEANINGS)

from __future__ import annotations

from typing import Any

import pytest

from mailhub.auth.verifiers import verify
from mailhub.store.hub import accounts, credentials
from mailhub.store.hub.bellfile import BellFile
from mailhub.store.hub.database import HubFile
from mailhub.store.hub.datadir import DataDir
from tests.cli.conftest import PASSWORD, Commands, Server


def works(data: DataDir, address: str, password: str) -> bool:
    """Whether all verifiers of an account are of *password*."""
    file = HubFile.open(data.hub_db)
    with file.read() as tx:
        verifiers = credentials.of_account(tx, accounts.by_address(tx, address).number)
    file.close()
    return bool(verifiers) and all(verify(verifier, password) for verifier in verifiers)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("alice",), "name@domain"),
        (("alice@example.net",), "No such domain: example.net"),
        (("al ice@example.org",), "Not a valid address"),
        (("@example.org",), "name@domain"),
    ],
)
def test_a_bad_address_is_refused_in_one_line(
    commands: Commands, words: tuple[str, ...], complaint: str
) -> None:
    answer = commands("account", "add", *words, "--no-password")
    assert answer.code == 1
    assert complaint in answer.err
    assert answer.err.count("\n") == 1
    assert commands.json("account", "list") == []


@pytest.mark.parametrize("password", ["", "\n", "a\0b\n"])
def test_a_password_that_cannot_be_used_makes_no_account(commands: Commands, password: str) -> None:
    answer = commands("account", "add", "a@example.org", "--password-stdin", input=password)
    assert answer.code == 1
    assert "password" in answer.err.lower()
    assert commands.json("account", "list") == []


def test_nobody_is_asked_for_a_password_through_a_pipe(commands: Commands) -> None:
    answer = commands("account", "add", "a@example.org", input="")
    assert answer.code == 1
    assert "--password-stdin" in answer.err


def test_errors_are_json_when_json_was_asked_for(commands: Commands) -> None:
    answer = commands("account", "show", "nobody@example.org", "--json")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == '{"error": "No such account: nobody@example.org"}\n'


def test_a_new_account_can_log_in_and_has_its_folders(
    commands: Commands, alice: dict[str, Any], data: DataDir
) -> None:
    assert works(data, "alice@example.org", PASSWORD)
    folders = {box["mailbox"]: box for box in commands.json("mailbox", "list", alice["id"])}
    assert set(folders) == {"INBOX", "Drafts", "Sent", "Trash", "Junk", "Archive"}
    assert all(box["subscribed"] for box in folders.values())
    assert folders["Sent"]["special_use"] == ["\\Sent"]


def test_a_generated_password_is_printed_and_works(commands: Commands, data: DataDir) -> None:
    added = commands.json("account", "add", "bob@example.org", "--generate")
    assert works(data, "bob@example.org", added["password"])
    spoken = commands("account", "add", "carl@example.org", "--generate").out
    assert works(data, "carl@example.org", spoken.rsplit(maxsplit=1)[-1])


def test_an_address_is_taken_once(commands: Commands, alice: dict[str, Any]) -> None:
    answer = commands("account", "add", "ALICE@example.org", "--no-password")
    assert answer.err == "mailhub: The address alice@example.org is taken already\n"


def test_accounts_are_listed(commands: Commands, alice: dict[str, Any]) -> None:
    commands("domain", "add", "example.net")
    commands("account", "add", "bob@example.net", "--no-password")
    assert [row["address"] for row in commands.json("account", "list")] == [
        "bob@example.net",
        "alice@example.org",
    ]
    assert len(commands.json("account", "list", "--domain", "EXAMPLE.net")) == 1
    lines = commands("account", "list").out.splitlines()
    assert lines[0].split() == ["address", "name", "enabled", "messages", "octets", "last", "login"]
    assert lines[2].split() == ["alice@example.org", "Alice", "yes", "0", "0", "B", "never"]


def test_names_cannot_drive_a_terminal(commands: Commands) -> None:
    commands("account", "add", "a@example.org", "--no-password", "--name", "\x1b[2J[red]x")
    assert "\x1b" not in commands("account", "list").out
    assert "[2J[red]x" in commands("account", "list").out


def test_an_account_is_shown_with_its_aliases(commands: Commands, alice: dict[str, Any]) -> None:
    commands("alias", "add", "post@example.org", "alice@example.org")
    shown = commands.json("account", "show", "alice@example.org")
    assert shown["aliases"] == ["post@example.org"]
    assert shown["file"].endswith(f"{alice['id']}.db")
    assert shown["created"].endswith("Z")


def test_a_renamed_account_keeps_its_mail_and_password(
    commands: Commands, alice: dict[str, Any], data: DataDir
) -> None:
    commands("mailbox", "create", "alice@example.org", "Plans")
    words = ("account", "rename", "alice@example.org", "al@example.org", "--keep-alias")
    assert commands.json(*words)["id"] == alice["id"]
    assert works(data, "al@example.org", PASSWORD)
    assert commands.json("mailbox", "status", "al@example.org", "Plans")["messages"] == 0
    assert commands.json("alias", "show", "alice@example.org")["account"] == "al@example.org"


def test_the_name_of_a_person_is_changed(commands: Commands, alice: dict[str, Any]) -> None:
    assert commands.json("account", "name", alice["id"], "Alice B.")["name"] == "Alice B."


def test_disabling_ends_sessions_and_rings(
    commands: Commands,
    alice: dict[str, Any],
    data: DataDir,
    server: Server,
) -> None:
    listener = BellFile.open(data.bell)
    before = listener.heads()
    assert not commands.json("account", "disable", "alice@example.org")["enabled"]
    assert server("end") == {"command": "end", "account": alice["id"]}
    assert listener.heads() != before
    listener.close()
    assert commands.json("account", "enable", "alice@example.org")["enabled"]


def test_deleting_asks_first(commands: Commands, alice: dict[str, Any]) -> None:
    answer = commands("account", "delete", "alice@example.org", input="n\n")
    assert answer.code == 1
    assert "Nothing was deleted" in answer.err
    assert commands.json("account", "show", alice["id"])["id"] == alice["id"]


def test_a_deleted_account_leaves_no_file_and_a_new_one_starts_empty(
    commands: Commands,
    alice: dict[str, Any],
    data: DataDir,
    server: Server,
) -> None:
    commands("mailbox", "create", "alice@example.org", "Plans")
    assert commands("account", "delete", "alice@example.org", input="y\n").code == 0
    assert server("end") == {"command": "end", "account": alice["id"]}
    assert list(data.accounts.glob(f"*/{alice['id']}*")) == []
    assert commands("account", "show", alice["id"]).code == 1
    again = commands.json("account", "add", "alice@example.org", "--no-password")
    assert again["id"] != alice["id"]
    names = [box["mailbox"] for box in commands.json("mailbox", "list", again["id"])]
    assert "Plans" not in names


def test_a_password_is_changed(commands: Commands, alice: dict[str, Any], data: DataDir) -> None:
    commands("passwd", "alice@example.org", "--password-stdin", input="new one\n")
    assert works(data, "alice@example.org", "new one")
    generated = commands.json("passwd", "alice@example.org", "--generate")["password"]
    assert works(data, "alice@example.org", generated)
    commands("passwd", "alice@example.org", "--disable")
    assert not works(data, "alice@example.org", generated)


def test_changing_a_password_may_end_the_sessions(
    commands: Commands, alice: dict[str, Any], server: Server
) -> None:
    commands("passwd", "alice@example.org", "--generate", "--end-sessions")
    assert server("end") == {"command": "end", "account": alice["id"]}


def test_only_one_way_of_giving_a_password_at_a_time(
    commands: Commands, alice: dict[str, Any]
) -> None:
    assert commands("passwd", "alice@example.org", "--generate", "--disable").code == 2
    both = ("--generate", "--no-password")
    assert commands("account", "add", "b@example.org", *both).code == 2


def test_the_password_of_nobody_is_not_asked_for(commands: Commands) -> None:
    answer = commands("passwd", "nobody@example.org")
    assert answer.err == "mailhub: No such account: nobody@example.org\n"

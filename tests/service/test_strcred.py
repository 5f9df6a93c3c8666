"""``--auth mailhub-local:`` and ``--auth ldap:`` of other Twisted applications."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.strcred import InvalidAuthArgumentString, findCheckerFactory, makeChecker
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock

from mailhub.auth.hashing import HashingThreads, InlineHashing
from mailhub.service import standalone
from tests.cli.conftest import Commands


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("mailhub-local", "there is no PATH"),
        ("mailhub-local:{folder}/none.toml", "no such file"),
        ("mailhub-local:{folder}", "{folder}"),
        ("mailhub-local:{folder}/bad.toml", "not TOML"),
        ("ldap", "there is no FILE"),
        ("ldap:{folder}/none.toml", "no such file"),
        ("ldap:{folder}/bad.toml", "not TOML"),
        ("ldap:{folder}/empty.toml", "has no [[directory]]"),
        ("ldap:{folder}/corp.toml:crop", "has no directory crop (did you mean"),
        ("ldap:{folder}/wrong.toml", "directory[1].servers: there is none"),
    ],
)
def test_a_wrong_argument_is_told_to_be_wrong(tmp_path: Path, argument: str, told: str) -> None:
    good = '[[directory]]\nname = "corp"\npreset = "openldap"\nuser_base = "dc=x"\n'
    (tmp_path / "bad.toml").write_text("bad")
    (tmp_path / "empty.toml").write_text("[auth]\nnonsense = 1\n")
    (tmp_path / "wrong.toml").write_text(good)
    (tmp_path / "corp.toml").write_text(good + 'servers = ["ldaps://127.0.0.1:1"]\n')
    with pytest.raises(InvalidAuthArgumentString) as wrong:
        makeChecker(argument.format(folder=tmp_path))
    assert told.format(folder=tmp_path) in str(wrong.value)


@pytest.mark.parametrize("name", ["mailhub-local", "ldap"])
def test_twisted_finds_them_and_they_have_help(name: str) -> None:
    factory = findCheckerFactory(name)
    assert f"--auth {name}:/" in factory.authHelp
    assert factory.argStringFormat


# --- local accounts -----------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    commands = Commands(tmp_path / "data")
    commands.json("domain", "add", "example.org")
    for name in ("alice", "bob"):
        words = ("account", "add", f"{name}@example.org", "--password-stdin")
        commands.json(*words, input="pass word\n")
    commands.json("account", "disable", "bob@example.org")
    return tmp_path / "data"


def ask(checker: ICredentialsChecker, name: str | bytes, password: str | bytes) -> object:
    """The avatar's id, or the refusal."""
    outcome: list[object] = []
    credentials = UsernamePassword(name, password)  # type: ignore[arg-type]  # as twist ftp does
    asked = cast("Deferred[object]", checker.requestAvatarId(credentials))
    asked.addBoth(outcome.append)
    return outcome[0]


@pytest.fixture
def in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hashing(HashingThreads):
        def start(self) -> None:
            """In the test's own thread."""

        run = InlineHashing.run

        def stop(self) -> None:
            """Nothing runs."""

    monkeypatch.setattr(standalone, "HashingThreads", Hashing)


@pytest.mark.usefixtures("in_place")
def test_local_accounts_are_named_by_their_address(data: Path) -> None:
    reactor = MemoryReactorClock()
    checker = standalone.local_checker(data, reactor)
    for name in ("alice", b"alice@example.org", "Alice@Example.Org"):
        assert ask(checker, name, "pass word") == b"alice@example.org"
    for name, password in (
        ("alice", "wrong"),
        ("alice", ""),
        ("", "pass word"),
        ("nobody", "pass word"),
        ("bob", "pass word"),
        (b"\xff", b"pass word"),
        ("alice\0", "pass word"),
        ("\udcff", "pass word"),
    ):
        refused = ask(checker, name, password)
        assert refused.check(UnauthorizedLogin), (name, refused)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("in_place")
def test_rules_of_a_configuration_hold(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "mailhub.toml"
    rule = '[[policy]]\nname = "a"\naccounts = ["alice@example.org"]\nprotocols = ["imap"]\n'
    file.write_text(f'data_dir = "{data}"\n{rule}')
    refused = ask(standalone.local_checker(file, MemoryReactorClock()), "alice", "pass word")
    assert refused.check(UnauthorizedLogin)  # type: ignore[attr-defined]


def test_nothing_is_opened_before_it_is_needed(data: Path) -> None:
    checker = standalone.local_checker(data, MemoryReactorClock())
    assert checker._chain is None

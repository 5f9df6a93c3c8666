"""Whose account a name means that was proved without the directory."""

from __future__ import annotations

import pytest

from mailhub.model.directory import Group, Standing
from mailhub.model.errors import Unavailable
from tests.directory_fake import FakeDirectory, person
from tests.people.conftest import REFRESH, World


def test_nobody_is_nobody(world: World) -> None:
    assert world.credentials("nobody@example.org") is None


def test_a_conflict_is_nobody(world: World, directory: FakeDirectory) -> None:
    world.local("alice@example.org")
    directory.put("al", person("al", "alice@example.org"))
    assert world.credentials("al") is None


def test_an_unknown_name_waits_for_the_directory(world: World, directory: FakeDirectory) -> None:
    directory.down = True
    with pytest.raises(Unavailable):
        world.credentials("alice@example.org")


def test_somebody_of_a_directory_gets_an_account(world: World, directory: FakeDirectory) -> None:
    directory.put("alice", person("alice"))
    stored = world.credentials("alice")
    assert stored is not None
    assert stored.account == world.account("alice@example.org").id


def test_what_the_directory_says_comes_along(world: World, directory: FakeDirectory) -> None:
    staff = Group("cn=staff,dc=example,dc=org", "staff")
    world.adopt(directory.put("alice", person("alice")))
    directory.change("alice", groups=frozenset({staff}), protocols=frozenset({"imap"}))
    world.later(REFRESH)
    stored = world.credentials("alice@example.org")
    assert stored is not None
    assert (stored.groups, stored.protocols) == (frozenset({staff}), frozenset({"imap"}))


def test_the_last_that_is_known_counts_while_the_directory_is_down(
    world: World, directory: FakeDirectory
) -> None:
    world.adopt(directory.put("alice", person("alice")))
    world.later(REFRESH)
    directory.down = True
    stored = world.credentials("alice@example.org")
    assert stored is not None
    assert stored.enabled


def test_somebody_disabled_meanwhile_is_found_out(world: World, directory: FakeDirectory) -> None:
    world.adopt(directory.put("alice", person("alice")))
    directory.change("alice", standing=Standing.EXPIRED)
    world.later(REFRESH)
    stored = world.credentials("alice@example.org")
    assert stored is not None
    assert not stored.enabled


def test_local_accounts_are_found_without_a_question(
    world: World, directory: FakeDirectory
) -> None:
    local = world.local("bob@example.org")
    stored = world.credentials("bob@example.org")
    assert stored is not None
    assert stored.account == local.id
    assert directory.asked == []

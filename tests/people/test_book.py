"""Whom mail for an address goes to, when directories know people too."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st

from mailhub.model.directory import Standing
from mailhub.model.errors import AccountDisabled, Unavailable
from mailhub.model.steps import Steps
from mailhub.people.book import NOBODY_SECONDS
from mailhub.store.hub import domains
from tests.directory_fake import FakeDirectory, person
from tests.harness import run
from tests.people.conftest import REFRESH, World

# --- nobody, and nobody to ask ------------------------------------------------------------


def test_an_address_that_nobody_has_is_asked_for_once_in_a_while(
    world: World, directory: FakeDirectory
) -> None:
    assert world.recipient("nobody@example.org") is None
    assert world.recipient("Nobody@example.org") is None
    assert directory.questions("by_address") == ["nobody@example.org"]
    world.later(NOBODY_SECONDS)
    assert world.recipient("nobody@example.org") is None
    assert len(directory.questions("by_address")) == 2


def test_a_domain_that_the_directory_does_not_serve_is_not_asked_for(
    world: World, directory: FakeDirectory
) -> None:
    assert world.recipient("somebody@elsewhere.example") is None
    assert directory.asked == []


def test_an_outage_is_not_nobody(world: World, directory: FakeDirectory) -> None:
    directory.down = True
    with pytest.raises(Unavailable):
        world.recipient("alice@example.org")


def test_mail_for_somebody_whose_account_cannot_be_made_waits(
    world: World, directory: FakeDirectory
) -> None:
    world.local("alice@example.org")
    directory.put("alice", person("alice", "alice@example.org", "al@example.org"))
    with pytest.raises(Unavailable):
        world.recipient("al@example.org")


def test_mail_for_an_address_of_several_waits_and_is_no_catch_alls(
    world: World, directory: FakeDirectory
) -> None:
    post = world.local("post@example.org")
    with world.engine.hub.file.write() as tx:
        domains.set_catch_all(tx, "example.org", post.id)
    for login in ("alice", "bob"):
        directory.put(login, person(login, f"{login}@example.org", "info@example.org"))
    steps = Steps()
    with pytest.raises(Unavailable):
        run(world.book.recipient("info@example.org", steps))
    assert "several entries" in str(steps.taken[-1].facts["reason"])
    directory.change("bob", addresses=("bob@example.org",))
    assert world.recipient("info@example.org") == world.recipient("alice@example.org")


def test_local_accounts_need_no_directory(world: World, directory: FakeDirectory) -> None:
    local = world.local("bob@example.org")
    directory.down = True
    found = world.recipient("bob+lists@example.org")
    assert found is not None
    assert (found.account, found.detail) == (local.id, "lists")


# --- the first delivery -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "detail"),
    [
        ("alice@example.org", ""),
        ("ALICE@Example.ORG", ""),
        ("al@example.org", ""),
        ("alice+lists@example.org", "lists"),
    ],
)
def test_the_first_message_makes_the_account(
    world: World, directory: FakeDirectory, address: str, detail: str
) -> None:
    directory.put("alice", person("alice", "alice@example.org", "al@example.org"))
    found = world.recipient(address)
    assert found is not None
    assert (found.address, found.detail) == ("alice@example.org", detail)
    assert found.account == world.account("alice@example.org").id


def test_directories_go_before_a_catch_all(world: World, directory: FakeDirectory) -> None:
    local = world.local("post@example.org")
    with world.engine.hub.file.write() as tx:
        domains.set_catch_all(tx, "example.org", local.id)
    directory.put("alice", person("alice"))
    found, rest = world.recipient("alice@example.org"), world.recipient("else@example.org")
    assert found is not None
    assert rest is not None
    assert found.account != rest.account == local.id


# --- known ones ---------------------------------------------------------------------------


def test_known_people_get_mail_without_a_question(world: World, directory: FakeDirectory) -> None:
    world.adopt(directory.put("alice", person("alice")))
    directory.asked.clear()
    assert world.recipient("alice@example.org") is not None
    assert directory.asked == []


def test_known_people_get_mail_while_the_directory_is_down(
    world: World, directory: FakeDirectory
) -> None:
    world.adopt(directory.put("alice", person("alice")))
    directory.down = True
    world.later(10 * REFRESH)
    assert world.recipient("alice@example.org") is not None


def test_what_is_old_is_asked_for_again(world: World, directory: FakeDirectory) -> None:
    world.adopt(directory.put("alice", person("alice", "alice@example.org", "al@example.org")))
    directory.change("alice", addresses=("alice@example.org", "new@example.org"))
    assert world.recipient("al@example.org") is not None
    world.later(REFRESH)
    assert world.recipient("al@example.org") is None
    assert world.recipient("new@example.org") is not None
    directory.asked.clear()
    assert world.recipient("alice@example.org") is not None
    assert directory.asked == []


def test_suspended_people_get_no_mail(world: World, directory: FakeDirectory) -> None:
    world.adopt(directory.put("alice", person("alice")))
    directory.change("alice", standing=Standing.DISABLED)
    world.later(REFRESH)
    with pytest.raises(AccountDisabled):
        world.recipient("alice@example.org")


def test_mail_for_somebody_gone_is_refused_and_the_mailbox_stays(
    world: World, directory: FakeDirectory
) -> None:
    stored = world.adopt(directory.put("alice", person("alice")))
    directory.remove("alice")
    world.later(REFRESH)
    with pytest.raises(AccountDisabled):
        world.recipient("alice@example.org")
    assert world.account("alice@example.org").id == stored.account


def test_somebody_who_comes_back_finds_the_mailbox(world: World, directory: FakeDirectory) -> None:
    alice = directory.put("alice", person("alice"))
    stored = world.adopt(alice)
    directory.remove("alice")
    world.later(REFRESH)
    with pytest.raises(AccountDisabled):
        world.recipient("alice@example.org")
    directory.put("alice", alice)
    world.later(REFRESH)
    found = world.recipient("alice@example.org")
    assert found is not None
    assert found.account == stored.account


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@examples(address=st.text(max_size=40))
def test_any_text_is_nobodys_address(world: World, address: str) -> None:
    assert world.recipient(address) is None

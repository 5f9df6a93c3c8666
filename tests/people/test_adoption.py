"""From a person of a directory to an account."""

from __future__ import annotations

import pytest

from mailhub.model.directory import Standing
from mailhub.model.errors import CannotAdopt, NoSuchAccount, Unavailable
from mailhub.store.hub import accounts, aliases, domains
from tests.directory_fake import FakeDirectory, person
from tests.events import Events
from tests.harness import run
from tests.people.conftest import NOW, World

# --- refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param(("alice@elsewhere.example",), id="no domain served here"),
        pytest.param(("not an address", "@", "a b@example.org"), id="nothing usable"),
        pytest.param(("alice\x00@example.org",), id="a control character"),
    ],
)
def test_somebody_without_an_address_here_gets_no_account(
    world: World, directory: FakeDirectory, addresses: tuple[str, ...], events: Events
) -> None:
    directory.put("alice", person("alice", *addresses))
    with pytest.raises(CannotAdopt, match="no address in a domain served here") as refused:
        world.adopt(directory.people["alice"])
    assert events["identity.refused"]["person"] == directory.people["alice"].dn
    assert ("not possible here" in str(refused.value)) == ("elsewhere" not in addresses[0])


def test_what_is_endless_in_a_directory_is_not_in_the_log(
    world: World, directory: FakeDirectory, events: Events
) -> None:
    endless = tuple(f"{'l' * 5000}{n}@elsewhere.example" for n in range(200))
    with pytest.raises(CannotAdopt):
        world.adopt(directory.put("alice", person("alice", *endless)))
    assert len(events["identity.refused"]["reason"]) < 12_000


def test_an_account_is_never_taken_from_a_local_person(
    world: World, directory: FakeDirectory, events: Events
) -> None:
    local = world.local("alice@example.org")
    with pytest.raises(CannotAdopt, match="belongs to a local account"):
        world.adopt(directory.put("alice", person("alice")))
    assert world.account("alice@example.org").id == local.id
    assert "local account" in events["identity.refused"]["reason"]


def test_an_alias_that_is_a_local_persons_is_left_out(
    world: World, directory: FakeDirectory, events: Events
) -> None:
    world.local("post@example.org")
    stored = world.adopt(
        directory.put("alice", person("alice", "alice@example.org", "post@example.org"))
    )
    assert world.addresses(stored.account) == ["alice@example.org"]
    assert "post@example.org belongs to a local account" in events["identity.conflict"]["reason"]


def test_an_address_of_another_directorys_person_is_not_taken(
    world: World, directory: FakeDirectory
) -> None:
    world.adopt(directory.put("alice", person("alice")))
    partner = person("alice", directory="partners")
    with pytest.raises(CannotAdopt, match="uid=alice.* of directory corp"):
        run(world.identities.adopt(partner, ("example.org",)))
    with world.engine.hub.file.read() as tx:
        assert len(accounts.all_accounts(tx)) == 1


def test_an_address_that_two_people_have_is_refused_to_the_second(
    world: World, directory: FakeDirectory
) -> None:
    first = world.adopt(directory.put("alice", person("alice")))
    twin = directory.put("twin", person("twin", "alice@example.org"))
    with pytest.raises(CannotAdopt, match="is uid=twin.* and uid=alice"):
        world.adopt(twin)
    assert world.account("alice@example.org").id == first.account


def test_an_alias_that_two_people_have_stays_with_the_first(
    world: World, directory: FakeDirectory, events: Events
) -> None:
    alice = world.adopt(
        directory.put("alice", person("alice", "alice@example.org", "info@example.org"))
    )
    bob = directory.put("bob", person("bob", "bob@example.org", "info@example.org"))
    stored = world.adopt(bob)
    assert world.addresses(alice.account) == ["alice@example.org", "info@example.org"]
    assert world.addresses(stored.account) == ["bob@example.org"]
    reason = "info@example.org is uid=bob,ou=people,dc=example,dc=org's and uid=alice"
    assert reason in events["identity.conflict"]["reason"]
    events.clear()
    world.adopt(bob)
    assert not events  # not again so soon
    directory.change("alice", addresses=("alice@example.org",))
    world.adopt(bob)
    assert world.addresses(stored.account) == ["bob@example.org", "info@example.org"]


def test_a_contested_address_waits_for_the_directory(
    world: World, directory: FakeDirectory
) -> None:
    world.adopt(directory.put("alice", person("alice")))
    directory.remove("alice")
    new = directory.put("new", person("new", "alice@example.org"))
    directory.down = True
    with pytest.raises(Unavailable):
        world.adopt(new)
    assert world.account("alice@example.org").display_name == "Alice"


# --- the first time -----------------------------------------------------------------------


def test_somebody_new_gets_an_account_with_standard_folders(
    world: World, directory: FakeDirectory, events: Events
) -> None:
    stored = world.adopt(
        directory.put("alice", person("alice", "alice@example.org", "a.liddell@example.org"))
    )
    assert (stored.address, stored.enabled, stored.directory) == ("alice@example.org", True, "corp")
    assert world.addresses(stored.account) == ["alice@example.org", "a.liddell@example.org"]
    assert world.account("alice@example.org").display_name == "Alice"
    mailboxes = run(run(world.store.account(stored.account)).mailboxes())
    assert {entry.name for entry in mailboxes if entry.subscribed} == {
        "INBOX", "Drafts", "Sent", "Trash", "Junk", "Archive",
    }  # fmt: skip
    assert events["identity.adopted"]["id"] == "id-of-alice"


def test_a_domain_of_the_directory_is_made_when_its_first_person_comes(world: World) -> None:
    adopted = run(world.identities.adopt(person("ann", "ann@new.example"), ("new.example",)))
    assert adopted.address == "ann@new.example"
    with world.engine.hub.file.read() as tx:
        assert domains.get(tx, "new.example").accounts == 1


def test_folders_that_a_crash_prevented_are_made_the_next_time(
    world: World, directory: FakeDirectory
) -> None:
    alice = directory.put("alice", person("alice"))
    run(world.identities.adopt(alice, ("example.org",)))
    stored = world.adopt(alice)
    names = {entry.name for entry in run(run(world.store.account(stored.account)).mailboxes())}
    assert "Sent" in names


# --- changes ------------------------------------------------------------------------------


def test_a_rename_keeps_the_mailbox(world: World, directory: FakeDirectory, events: Events) -> None:
    before = world.adopt(directory.put("alice", person("alice")))
    after = world.adopt(
        directory.change(
            "alice",
            dn="uid=alice,ou=leaders,dc=example,dc=org",
            addresses=("a.married@example.org", "alice@example.org"),
            name="Alice Married",
        )
    )
    assert after.account == before.account
    assert world.addresses(after.account) == ["a.married@example.org", "alice@example.org"]
    assert world.account("a.married@example.org").display_name == "Alice Married"
    told = events["identity.changed"]["what"]
    assert "alice@example.org is now a.married@example.org" in told
    assert "moved to uid=alice,ou=leaders" in told


def test_addresses_that_the_directory_takes_go_and_an_administrators_stay(
    world: World, directory: FakeDirectory
) -> None:
    stored = world.adopt(
        directory.put("alice", person("alice", "alice@example.org", "sales@example.org"))
    )
    with world.engine.hub.file.write() as tx:
        aliases.add(tx, "hand@example.org", stored.account, NOW)
    world.adopt(directory.change("alice", addresses=("alice@example.org",)))
    assert world.addresses(stored.account) == ["alice@example.org", "hand@example.org"]


def test_an_address_goes_from_one_person_to_another(world: World, directory: FakeDirectory) -> None:
    alice = world.adopt(
        directory.put("alice", person("alice", "alice@example.org", "sales@example.org"))
    )
    directory.change("alice", addresses=("alice@example.org",))
    bob = world.adopt(directory.put("bob", person("bob", "bob@example.org", "sales@example.org")))
    assert world.addresses(alice.account) == ["alice@example.org"]
    assert world.addresses(bob.account) == ["bob@example.org", "sales@example.org"]


def test_a_reused_name_gets_an_empty_mailbox(
    world: World, directory: FakeDirectory, events: Events
) -> None:
    old = world.adopt(directory.put("alice", person("alice")))
    directory.remove("alice")
    new = world.adopt(directory.put("alice", person("alice", id="another")))
    assert new.account != old.account
    assert new.address == "alice@example.org"
    assert world.addresses(old.account) == [f"{old.account}@example.org"]
    assert events["identity.displaced"]["account"] == "alice@example.org"
    assert world.recipient(f"{new.account}@example.org") is None


def test_nothing_is_written_when_nothing_is_new(world: World, directory: FakeDirectory) -> None:
    alice = directory.put("alice", person("alice"))
    world.adopt(alice)
    world.rung.clear()
    world.adopt(alice)
    assert world.rung == []


def test_whoever_the_directory_suspends_is_suspended_here_and_comes_back(
    world: World, directory: FakeDirectory
) -> None:
    world.adopt(directory.put("alice", person("alice")))
    assert not world.adopt(directory.change("alice", standing=Standing.DISABLED)).enabled
    assert world.adopt(directory.change("alice", standing=Standing.ACTIVE)).enabled


@pytest.mark.parametrize("standing", [Standing.LOCKED, Standing.PASSWORD_EXPIRED])
def test_trouble_with_a_password_does_not_suspend_the_account(
    world: World, directory: FakeDirectory, standing: Standing
) -> None:
    world.adopt(directory.put("alice", person("alice")))
    assert world.adopt(directory.change("alice", standing=standing)).enabled


def test_a_deleted_account_is_made_anew_and_empty(world: World, directory: FakeDirectory) -> None:
    alice = directory.put("alice", person("alice"))
    old = world.adopt(alice)
    with world.engine.hub.file.write() as tx:
        accounts.delete(tx, old.account, NOW)
    assert world.adopt(alice).account != old.account
    with pytest.raises(NoSuchAccount), world.engine.hub.file.read() as tx:
        accounts.get(tx, old.account)

"""Walks through a directory, and the brake on mass disappearance."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from mailhub.model.directory import Standing
from mailhub.model.errors import AccountDisabled, Unavailable
from mailhub.model.identity import Trust
from mailhub.people.walk import LOOK_SECONDS, Walker
from mailhub.store.hub import trust
from tests.directory_fake import FakeDirectory, person
from tests.events import Events
from tests.harness import run
from tests.people.conftest import PURGE_AFTER, REFRESH, World


def _crowd(world: World, directory: FakeDirectory, count: int) -> list[str]:
    logins = [f"p{n}" for n in range(count)]
    for login in logins:
        world.adopt(directory.put(login, person(login)))
    world.later(1)
    return logins


def _suspended(world: World, logins: list[str]) -> list[str]:
    found = []
    for login in logins:
        stored = run(world.engine.hub.credentials(f"{login}@example.org"))
        assert stored is not None
        if not stored.enabled:
            found.append(login)
    return found


def test_a_walk_that_fails_in_between_suspends_nobody(
    world: World, directory: FakeDirectory
) -> None:
    logins = _crowd(world, directory, 5)
    directory.remove("p4")
    pages = directory.page

    async def page(cookie: bytes | None, steps: object = None) -> object:
        if cookie is not None:
            raise Unavailable("cut off")
        return await pages(cookie)

    directory.page = page  # type: ignore[method-assign, assignment]
    with pytest.raises(Unavailable):
        world.walk()
    assert _suspended(world, logins) == []


def test_who_is_gone_is_suspended_and_comes_back(
    world: World, directory: FakeDirectory, events: Events
) -> None:
    logins = _crowd(world, directory, 5)
    gone = directory.people["p1"]
    directory.remove("p1")
    assert world.walk()
    assert _suspended(world, logins) == ["p1"]
    assert events["identity.lost"]["person"] == gone.dn
    directory.put("p1", gone)
    assert world.walk()
    assert _suspended(world, logins) == []


def test_who_is_disabled_is_suspended(world: World, directory: FakeDirectory) -> None:
    logins = _crowd(world, directory, 5)
    directory.change("p2", standing=Standing.DISABLED)
    assert world.walk()
    assert _suspended(world, logins) == ["p2"]


def test_changes_of_address_arrive(world: World, directory: FakeDirectory) -> None:
    _crowd(world, directory, 5)
    directory.change("p3", addresses=("new@example.org",))
    assert world.walk()
    assert world.recipient("new@example.org") is not None
    assert world.recipient("p3@example.org") is None


def test_people_without_an_account_get_none(world: World, directory: FakeDirectory) -> None:
    directory.put("alice", person("alice"))
    assert world.walk()
    with pytest.raises(Exception, match="No such account"):
        world.account("alice@example.org")


@pytest.mark.parametrize("how", ["gone", "disabled", "half of each"])
def test_a_mass_disappearance_suspends_nobody(
    world: World, directory: FakeDirectory, events: Events, how: str
) -> None:
    logins = _crowd(world, directory, 12)
    for n, login in enumerate(logins[:4]):
        if how == "gone" or (how == "half of each" and n % 2):
            directory.remove(login)
        else:
            directory.change(login, standing=Standing.DISABLED)
    assert world.walk()
    assert _suspended(world, logins) == []
    told = events["directory.distrusted"]
    assert (told["losses"], told["people"], told["log_level"].name) == (4, 12, "error")
    assert world.walk()
    assert events.names().count("directory.distrusted") == 1


def test_three_losses_are_no_mass(world: World, directory: FakeDirectory) -> None:
    logins = _crowd(world, directory, 4)
    for login in logins[:3]:
        directory.remove(login)
    assert world.walk()
    assert _suspended(world, logins) == logins[:3]


def test_a_disappearance_one_by_one_is_noticed_too(
    world: World, directory: FakeDirectory, events: Events
) -> None:
    logins = _crowd(world, directory, 12)
    assert world.walk()
    everybody = dict(directory.people)
    directory.people.clear()
    world.later(REFRESH)
    refused = 0
    for login in logins:
        try:
            world.recipient(f"{login}@example.org")
        except AccountDisabled:
            refused += 1
    assert refused == trust.ALWAYS_ALLOWED
    assert events["directory.distrusted"]["directory"] == "corp"
    directory.people.update(everybody)
    world.later(1)
    assert world.walk()
    assert _suspended(world, logins) == []
    assert "directory.trusted" in events.names()


def test_an_administrator_can_say_that_it_is_right(
    world: World, directory: FakeDirectory, events: Events
) -> None:
    logins = _crowd(world, directory, 12)
    for login in logins[:6]:
        directory.remove(login)
    assert world.walk()
    with world.engine.hub.file.write() as tx:
        trust.trust(tx, "corp")
    assert world.walk()
    assert _suspended(world, logins) == logins[:6]
    assert "directory.trusted" in events.names()


def test_a_distrusted_directory_still_lets_people_come_back_and_change(
    world: World, directory: FakeDirectory
) -> None:
    logins = _crowd(world, directory, 12)
    for login in logins[:6]:
        directory.remove(login)
    assert world.walk()
    directory.change("p9", addresses=("p9@example.org", "more@example.org"))
    assert world.walk()
    assert world.recipient("more@example.org") is not None


def test_who_is_lost_is_told_so_that_sessions_end(world: World, directory: FakeDirectory) -> None:
    _crowd(world, directory, 5)
    lost = world.account("p1@example.org").id
    directory.remove("p1")
    assert world.walk()
    assert world.lost == [lost]
    assert world.walk()
    assert world.lost == [lost]


def test_accounts_of_people_long_gone_are_deleted(
    world: World, directory: FakeDirectory, events: Events
) -> None:
    _crowd(world, directory, 5)
    gone, back = (world.account(f"{login}@example.org").id for login in ("p1", "p2"))
    returning = directory.people["p2"]
    for login in ("p1", "p2"):
        directory.remove(login)
    assert world.walk()
    world.later(PURGE_AFTER - 1)
    assert world.walk()
    assert world.removed == []
    directory.put("p2", returning)
    world.later(1)
    assert world.walk()
    assert world.removed == [gone]
    assert events["identity.purged"]["account"] == "p1@example.org"
    assert world.account("p2@example.org").id == back


def test_nobody_is_deleted_while_the_directory_is_distrusted(
    world: World, directory: FakeDirectory
) -> None:
    logins = _crowd(world, directory, 12)
    directory.remove("p11")
    assert world.walk()
    for login in logins[:6]:
        directory.remove(login)
    world.later(PURGE_AFTER)
    assert world.walk()
    assert world.removed == []


def test_of_several_processes_one_walks(world: World, directory: FakeDirectory) -> None:
    assert run(world.walker.walk(3600.0))
    assert not run(world.walker.walk(3600.0))
    world.later(3600)
    assert run(world.walker.walk(3600.0))


def test_a_server_walks_when_it_is_time(
    world: World, directory: FakeDirectory, events: Events
) -> None:
    clock = Clock()
    _crowd(world, directory, 1)
    directory.down = True
    world.walker.start(clock)
    clock.advance(LOOK_SECONDS)
    assert "no server answers" in events["directory.walk_failed"]["reason"]
    directory.down = False
    directory.remove("p0")
    world.later(3600)
    clock.advance(LOOK_SECONDS)
    assert "identity.lost" in events.names()
    world.walker.stop()
    assert clock.getDelayedCalls() == []


def test_every_look_tells_how_far_the_directory_is_trusted(
    world: World, directory: FakeDirectory
) -> None:
    logins = _crowd(world, directory, 12)
    told: list[Trust] = []
    walker = Walker(world.adoption, directory, 3600.0, 0.0, world.remove, told.append)
    run(walker.look())
    for login in logins[:6]:
        directory.remove(login)
    world.later(3600)
    run(walker.look())
    run(walker.look())  # no walk is due
    assert [trust.distrusted is not None for trust in told] == [False, True, True]
    assert (told[1].losses, told[1].people) == (6, 12)


def test_a_walk_that_fails_is_told_and_so_is_the_trust_there_was(
    world: World, directory: FakeDirectory, events: Events
) -> None:
    told: list[Trust] = []
    directory.down = True
    walker = Walker(world.adoption, directory, 3600.0, 0.0, world.remove, told.append)
    run(walker.look())
    assert events["directory.walk_failed"]["directory"] == "corp"
    assert [trust.distrusted for trust in told] == [None]


def test_walks_that_overlap_lose_nobody_whom_one_of_them_has_seen(
    world: World, directory: FakeDirectory
) -> None:
    logins = _crowd(world, directory, 3)
    people = [directory.people[login] for login in logins]
    identities = world.identities
    world.later(1)
    walks = []
    for _ in range(3):  # the third has just begun when the first ends
        walk = run(identities.begin_walk("corp", 0.0))
        assert walk is not None
        walks.append(walk)
        if len(walks) < 3:
            run(identities.pass_by(walk, people))
            world.later(1)
    assert run(identities.end_walk("corp", walks[0], [])) == []
    run(identities.pass_by(walks[0], people))  # late: what the second has noted stays
    assert run(identities.end_walk("corp", walks[1], [])) == []
    world.later(1)
    lost = run(identities.end_walk("corp", walks[2], []))
    assert {identity.person.id for identity in lost} == set()
    last = run(identities.begin_walk("corp", 0.0))
    assert last is not None
    assert len(run(identities.end_walk("corp", last, []))) == 3

"""Passwords of a directory's people: lock-out guard, credential cache, accounts."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mailhub.auth.chain import Given
from mailhub.auth.directory import LOOK_AGAIN_SECONDS, MOST_SECONDS, DirectoryPasswords
from mailhub.auth.guard import MAX_NAMES, LockoutGuard, ProvedPasswords
from mailhub.interfaces import (
    BadCredentials,
    KeptBack,
    LockedOut,
    LogInDisabled,
    LogInForbidden,
    LogInUnavailable,
    NoSuchPerson,
    TooManyAttempts,
    Unproved,
)
from mailhub.metrics import Metrics
from mailhub.model.directory import NO_PAST, Past, Person, Standing
from mailhub.model.errors import CannotAdopt
from mailhub.model.mail import AccountId, StoredCredentials
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.net.digests import Digests
from mailhub.net.shared import Shared
from tests.directory_fake import FakeDirectory, person
from tests.harness import Running, run, start

WINDOW = 600.0


@dataclass
class Adopting:
    """Everybody has an account; what the hub knows is what was adopted."""

    adopted: dict[str, StoredCredentials] = field(default_factory=dict)
    refusal: Exception | None = None

    async def adopt(self, person: Person, steps: Hearer) -> StoredCredentials:
        if self.refusal is not None:
            raise self.refusal
        stored = StoredCredentials(AccountId(person.id), person.addresses[0], True, ())
        return self.adopted.setdefault(person.id, stored)

    async def credentials_of(self, account: AccountId) -> StoredCredentials | None:
        return self.adopted.get(account)


class World:
    def __init__(self, cache: float = 0.0, most: int = 3, beside: World | None = None) -> None:
        """*beside*: that of another worker of the same server."""
        self.now = 1000.0
        self.shared: Shared = beside.shared if beside is not None else Shared()
        self.timers: Clock = beside.timers if beside is not None else Clock()
        self.directory = FakeDirectory(domains=["example.org"])
        self.directory.put("alice", person("alice"))
        self.adoption = Adopting()
        self.metrics = Metrics()
        clock = lambda: self.now  # noqa: E731
        self.source = DirectoryPasswords(
            self.directory,
            self.adoption,  # type: ignore[arg-type]
            self.adoption,  # type: ignore[arg-type]
            LockoutGuard(clock, WINDOW, most, self.shared),
            ProvedPasswords(clock, cache, self.shared),
            Digests(self.shared.secret, "passwords"),
            self.timers,
            self.metrics,
        )

    def log_in(self, password: str, login: str = "alice@example.org") -> StoredCredentials:
        return run(self.source.prove(Given(login, password)))

    def answers(self, answer: str) -> float | None:
        labels = {"directory": self.directory.name, "answer": answer}
        return self.metrics.registry.get_sample_value("mailhub_directory_passwords_total", labels)

    @property
    def asked(self) -> int:
        return len(self.directory.questions("prove"))


@pytest.fixture
def world() -> World:
    return World()


# --- refusals -----------------------------------------------------------------------------


def test_names_of_other_domains_are_not_for_this_directory(world: World) -> None:
    assert world.source.takes(Given("alice", "x"))
    assert world.source.takes(Given("alice@example.org", "x"))
    assert not world.source.takes(Given("alice@elsewhere.example", "x"))


def test_nobody_is_left_to_the_next_source(world: World) -> None:
    with pytest.raises(NoSuchPerson):
        world.log_in("secret", "nobody@example.org")


def test_an_outage_says_nothing_about_the_password(world: World) -> None:
    world.directory.down = True
    with pytest.raises(LogInUnavailable):
        world.log_in("secret")
    world.directory.down = False
    assert world.log_in("secret").account == "id-of-alice"


def test_somebody_disabled_is_refused_each_time_by_the_directory(world: World) -> None:
    world.directory.change("alice", standing=Standing.DISABLED)
    for _ in range(2):
        with pytest.raises(LogInDisabled):
            world.log_in("secret")
    assert world.asked == 2


def test_whoever_can_have_no_account_is_refused_with_the_reason(world: World) -> None:
    world.adoption.refusal = CannotAdopt("belongs to a local account")
    with pytest.raises(LogInForbidden, match="belongs to a local account"):
        world.log_in("secret")


# --- the lock-out guard -------------------------------------------------------------------


def test_the_same_wrong_password_reaches_the_directory_once_in_a_window(world: World) -> None:
    for _ in range(20):
        with pytest.raises(BadCredentials):
            world.log_in("old")
    assert world.asked == 1
    world.now += WINDOW
    with pytest.raises(BadCredentials):
        world.log_in("old")
    assert world.asked == 2


def test_a_forgotten_phone_does_not_keep_its_owner_out(world: World) -> None:
    for _ in range(5):
        with pytest.raises(BadCredentials):
            world.log_in("old")
    assert world.log_in("secret").address == "alice@example.org"
    with pytest.raises(BadCredentials):
        world.log_in("old")
    assert world.asked == 2


def test_only_so_many_different_wrong_passwords_reach_the_directory(world: World) -> None:
    for n in range(3):
        with pytest.raises(BadCredentials):
            world.log_in(f"guess {n}")
    for n in range(3, 6):
        with pytest.raises(TooManyAttempts):
            world.log_in(f"guess {n}")
    assert world.asked == 3


def test_a_password_that_was_right_is_always_sent(world: World) -> None:
    world.log_in("secret")
    for n in range(3):
        with pytest.raises(BadCredentials):
            world.log_in(f"guess {n}")
    assert world.log_in("secret").address == "alice@example.org"


def test_one_name_does_not_count_for_another(world: World) -> None:
    world.directory.put("bob", person("bob"), "other")
    for n in range(5):
        with pytest.raises((BadCredentials, TooManyAttempts)):
            world.log_in(f"guess {n}")
    assert world.log_in("other", "bob@example.org").address == "bob@example.org"


def test_spelling_a_name_differently_is_no_way_round(world: World) -> None:
    with pytest.raises(BadCredentials):
        world.log_in("old")
    for spelling in ("ALICE@example.org", " alice@example.org", "alice@example.org  "):
        with pytest.raises(BadCredentials, match="not sent"):
            world.log_in("old", spelling)
    assert world.asked == 1


def test_a_password_that_is_right_no_more_is_sent_once(world: World) -> None:
    world.log_in("secret")
    world.directory.passwords["alice"] = "changed elsewhere"
    for _ in range(20):
        with pytest.raises(BadCredentials):
            world.log_in("secret")
    assert world.asked == 2
    assert world.log_in("changed elsewhere").address == "alice@example.org"


def test_what_was_known_of_a_password_is_told_to_the_directory(world: World) -> None:
    seen: list[Past] = []
    prove = world.directory.prove

    async def listening(login: str, password: str, steps: Hearer, past: Past) -> Person:
        seen.append(past)
        return await prove(login, password, steps, past)

    world.directory.prove = listening  # type: ignore[method-assign,assignment]
    began = world.now
    world.log_in("secret")
    with pytest.raises(BadCredentials):
        world.log_in("old")
    world.now += 2 * WINDOW
    world.log_in("secret", "alice")
    with pytest.raises(BadCredentials):
        world.log_in("old", "alice")
    assert seen == [NO_PAST, NO_PAST, NO_PAST, Past(wrong=began)]
    world.log_in("secret")
    assert seen[-1] == Past(right=began + 2 * WINDOW)


@pytest.mark.parametrize(
    ("refusal", "counted"), [(LockedOut, "asked"), (KeptBack, "kept_back"), (Unproved, "asked")]
)
def test_a_password_that_was_not_looked_at_is_not_known_to_be_wrong(
    world: World, refusal: type[Unproved], counted: str
) -> None:
    async def refuse(login: str, password: str, steps: Hearer, past: Past) -> Person:
        raise refusal("one more would lock")

    prove = world.directory.prove
    world.directory.prove = refuse  # type: ignore[method-assign,assignment]
    for _ in range(2):
        with pytest.raises(refusal):
            world.log_in("secret")
    assert world.answers(counted) == 2
    world.directory.prove = prove  # type: ignore[method-assign]
    assert world.log_in("secret").account == "id-of-alice"


# --- several connections at once ----------------------------------------------------------


class Slow:
    """A directory that answers when it is let."""

    def __init__(self, world: World) -> None:
        self._prove = world.directory.prove
        self._waiting: list[Deferred[None]] = []
        world.directory.prove = self.prove  # type: ignore[method-assign]

    async def prove(
        self, login: str, password: str, steps: Hearer = UNHEARD, past: Past = NO_PAST
    ) -> Person:
        turn: Deferred[None] = Deferred()
        self._waiting.append(turn)
        await turn
        return await self._prove(login, password, steps, past)

    def answer(self) -> None:
        self._waiting.pop(0).callback(None)

    @property
    def asked(self) -> int:
        return len(self._waiting)


def _together(world: World, password: str) -> list[Running[StoredCredentials]]:
    given = Given("alice@example.org", password)
    return [start(world.source.prove(given)) for _ in range(5)]


def test_a_client_with_many_connections_and_a_wrong_password_asks_once(world: World) -> None:
    slow = Slow(world)
    attempts = _together(world, "old")
    assert slow.asked == 1
    slow.answer()
    for attempt in attempts:
        with pytest.raises(BadCredentials):
            attempt.result  # noqa: B018
    assert (world.asked, slow.asked) == (1, 0)


def test_a_client_with_many_connections_and_the_right_password_asks_once(world: World) -> None:
    slow = Slow(world)
    attempts = _together(world, "secret")
    other = start(world.source.prove(Given("alice@example.org", "old")))
    assert slow.asked == 2  # nobody waits for another password
    slow.answer()
    assert {attempt.result.account for attempt in attempts} == {"id-of-alice"}
    assert not other.done


def test_the_same_wrong_password_at_several_workers_is_asked_about_once(world: World) -> None:
    slow, other = Slow(world), World(beside=world)
    first = _together(world, "old")
    second = _together(other, "old")
    assert (slow.asked, other.asked) == (1, 0)
    slow.answer()
    world.timers.advance(LOOK_AGAIN_SECONDS)
    for attempt in [*first, *second]:
        with pytest.raises(BadCredentials):
            attempt.result  # noqa: B018
    assert (world.asked, other.asked) == (1, 0)


def test_the_right_password_at_several_workers_is_let_in_everywhere(world: World) -> None:
    slow, other = Slow(world), World(beside=world)
    first, second = _together(world, "secret"), _together(other, "secret")
    slow.answer()
    world.timers.advance(LOOK_AGAIN_SECONDS)
    assert {attempt.result.account for attempt in [*first, *second]} == {"id-of-alice"}
    third, fourth = _together(world, "secret"), _together(other, "secret")
    assert {attempt.result.account for attempt in fourth} == {"id-of-alice"}  # waits for nobody
    slow.answer()
    assert {attempt.result.account for attempt in third} == {"id-of-alice"}


def test_a_worker_that_has_died_is_not_waited_for_longer_than_a_question_takes(
    world: World,
) -> None:
    Slow(world)
    _together(world, "secret")
    other = World(beside=world)
    second = _together(other, "secret")
    assert not any(attempt.done for attempt in second)
    other.now += MOST_SECONDS + 1
    world.timers.advance(LOOK_AGAIN_SECONDS)
    assert {attempt.result.account for attempt in second} == {"id-of-alice"}


def test_an_outage_is_an_answer_for_all_connections_that_wait(world: World) -> None:
    slow = Slow(world)
    attempts = _together(world, "secret")
    world.directory.down = True
    slow.answer()
    for attempt in attempts:
        with pytest.raises(LogInUnavailable):
            attempt.result  # noqa: B018


def test_a_client_that_hangs_up_leaves_the_question_to_the_next(world: World) -> None:
    slow = Slow(world)
    first, second, *others = _together(world, "secret")
    second.deferred.cancel()
    first.deferred.cancel()
    assert (first.done, second.done, slow.asked) == (True, True, 2)
    slow.answer()  # to the one that is gone: nobody hears it
    slow.answer()
    assert {attempt.result.account for attempt in others} == {"id-of-alice"}


# --- names --------------------------------------------------------------------------------


def test_the_names_of_one_person_count_as_one(world: World) -> None:
    names = ["alice", "alice@example.org"]
    for name in names:
        world.log_in("secret", name)
    for name in names * 3:
        with pytest.raises(BadCredentials):
            world.log_in("old", name)
    assert world.asked == 3
    for n, name in enumerate(names):
        with pytest.raises(BadCredentials):
            world.log_in(f"guess {n}", name)
    with pytest.raises(TooManyAttempts):
        world.log_in("guess 3")
    assert world.asked == 5


def test_what_was_wrong_by_another_name_is_still_wrong_after_a_success(world: World) -> None:
    world.log_in("secret", "alice")
    with pytest.raises(BadCredentials):
        world.log_in("old")  # by a name that is not known to be hers yet
    world.log_in("secret")
    for name in ("alice", "alice@example.org"):
        with pytest.raises(BadCredentials, match="not sent"):
            world.log_in("old", name)


def test_a_reused_name_has_its_own_count(world: World) -> None:
    world.log_in("secret")
    with pytest.raises(BadCredentials):
        world.log_in("the successor's")
    world.directory.put("alice", person("alice", id="another"), "initial")
    world.log_in("initial")
    world.directory.passwords["alice"] = "the successor's"
    assert world.log_in("the successor's").account == "another"


def test_unknown_names_are_not_remembered(world: World) -> None:
    for _ in range(3):
        with pytest.raises(NoSuchPerson):
            world.log_in("secret", "nobody@example.org")
    assert world.asked == 3


def test_the_workers_of_a_server_keep_back_what_one_of_them_was_told_is_wrong() -> None:
    shared = Shared()
    here, there = (LockoutGuard(lambda: 1.0, WINDOW, 2, shared, "corp") for _ in range(2))
    wrong, right, other, third = (
        Digests(shared.secret, "").of(word) for word in ("old", "new", "mistyped", "guessed")
    )
    here.wrong("alice", wrong)
    with pytest.raises(BadCredentials):
        there.check("ALICE", wrong)
    LockoutGuard(lambda: 1.0, WINDOW, 2, shared, "another").check("alice", wrong)

    there.right("alice@example.org", right, "person 1")
    there.right("alice", right, "person 1")
    there.wrong("alice@example.org", other)
    here.check("alice", right)
    with pytest.raises(TooManyAttempts):
        here.check("alice", third)
    there.wrong("alice", right)
    with pytest.raises(BadCredentials):
        here.check("alice@example.org", right)


# --- the credential cache -----------------------------------------------------------------


def test_without_a_cache_every_log_in_asks(world: World) -> None:
    world.log_in("secret")
    world.log_in("secret")
    assert world.asked == 2


def test_a_cached_password_is_not_asked_for_until_it_is_old() -> None:
    world = World(cache=60.0)
    world.log_in("secret")
    world.log_in("secret")
    assert world.asked == 1
    world.now += 60
    world.log_in("secret")
    assert world.asked == 2


def test_a_new_password_works_at_once_and_ends_the_old_one() -> None:
    world = World(cache=60.0)
    world.log_in("secret")
    world.log_in("secret", "alice")
    world.directory.passwords["alice"] = "changed"
    assert world.log_in("changed").account == "id-of-alice"
    for login in ("alice@example.org", "alice"):
        with pytest.raises(BadCredentials):
            world.log_in("secret", login)


def test_the_cache_does_not_mix_up_names() -> None:
    world = World(cache=60.0)
    world.directory.put("bob", person("bob"), "secret")
    assert world.log_in("secret").address == "alice@example.org"
    assert world.log_in("secret", "bob@example.org").address == "bob@example.org"
    assert world.log_in("secret").address == "alice@example.org"
    with pytest.raises(NoSuchPerson):
        world.log_in("secret", "nobody@example.org")


def test_an_account_that_was_deleted_is_not_served_from_the_cache() -> None:
    world = World(cache=60.0)
    world.log_in("secret")
    world.adoption.adopted.clear()
    world.log_in("secret")
    assert world.asked == 2


def test_an_outage_is_answered_from_the_cache_for_as_long_as_it_lasts() -> None:
    world = World(cache=60.0)
    world.log_in("secret")
    world.directory.down = True
    assert world.log_in("secret").address == "alice@example.org"
    world.now += 60
    with pytest.raises(LogInUnavailable):
        world.log_in("secret")


def test_the_cache_is_bounded() -> None:
    proved, digests = ProvedPasswords(lambda: 0.0, 60.0), Digests(Shared().secret, "")
    for n in range(MAX_NAMES + 10):
        proved.remember(f"name {n}", digests.of("x"), AccountId(f"account {n}"))
    assert proved.account("name 0", digests.of("x")) is None
    assert proved.account("name 20", digests.of("x")) == "account 20"


def test_a_new_password_ends_the_old_one_in_all_workers() -> None:
    shared = Shared()
    here, there = (ProvedPasswords(lambda: 0.0, 60.0, shared) for _ in range(2))
    old, new = (Digests(shared.secret, "").of(word) for word in ("old", "new"))
    here.remember("alice", old, AccountId("a"))
    there.remember("alice@example.org", old, AccountId("a"))
    assert here.account("alice", old) == there.account("alice@example.org", old) == "a"

    there.remember("alice", new, AccountId("a"))
    assert here.account("alice", old) is None
    assert there.account("alice@example.org", old) is None
    assert there.account("alice", new) == "a"


# --- metrics ------------------------------------------------------------------------------


def test_it_is_counted_whether_the_directory_was_asked() -> None:
    world = World(cache=60.0, most=1)
    for password, refusal in [("old", None), ("old", None), ("other", TooManyAttempts)]:
        with pytest.raises(refusal or BadCredentials):
            world.log_in(password)
    world.now += WINDOW
    world.log_in("secret")
    world.log_in("secret")
    counted = {name: world.answers(name) for name in ("asked", "repeated", "limited", "remembered")}
    assert counted == {"asked": 2, "repeated": 1, "limited": 1, "remembered": 1}

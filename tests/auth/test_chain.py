"""Sources of passwords, and in which order they are asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.cred.credentials import UsernamePassword
from twisted.internet.task import Clock

from mailhub.auth.chain import Given, PasswordChain
from mailhub.auth.policy import Policy
from mailhub.auth.throttle import Throttle
from mailhub.interfaces import (
    BadCredentials,
    LogInDisabled,
    LogInRefused,
    LogInUnavailable,
    NoSuchPerson,
    TooManyAttempts,
)
from mailhub.model.errors import Unavailable
from mailhub.model.mail import Client, StoredCredentials
from mailhub.model.steps import Steps
from mailhub.net.credentials import ClientPassword
from mailhub.sasl.plain import Password
from tests.auth.accounts import Accounts
from tests.harness import run

CLIENT = Client("c1", "imap", "192.0.2.1", 4711, tls=True)


class Source:
    """Answers what it is told to answer, or raises it."""

    def __init__(self, name: str, answer: StoredCredentials | Exception) -> None:
        self.name = name
        self.pads = False
        self.answer = answer
        self.takes: Callable[[Given], bool] = lambda given: True
        self.asked: list[Given] = []

    async def prove(self, given: Given) -> StoredCredentials:
        self.asked.append(given)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Chain:
    """*answers* of the sources first, second, ..."""

    def __init__(self, *answers: StoredCredentials | Exception) -> None:
        self.sources = [Source(f"source {n}", answer) for n, answer in enumerate(answers, 1)]
        self.decoys: list[str] = []
        self.steps = Steps()
        throttle = Throttle(Clock().seconds, 3, 600)
        self.chain = PasswordChain(self.sources, Policy(Accounts()), throttle, self.decoy)

    async def decoy(self, password: str) -> None:
        self.decoys.append(password)

    def enter(self, user: str = "alice", password: str = "wonder") -> bytes | tuple[()]:
        given = ClientPassword(Password(b"", user.encode(), password.encode()), CLIENT, self.steps)

        async def ask() -> bytes | tuple[()]:
            return await self.chain.requestAvatarId(given)

        return run(ask())

    @property
    def asked(self) -> list[str]:
        return [source.name for source in self.sources if source.asked]


def known(account: str, *, enabled: bool = True) -> StoredCredentials:
    accounts = Accounts()
    accounts.add(account, "unused", enabled=enabled)
    found = run(accounts.credentials(account))
    assert found is not None
    return found


ALICE = known("alice@example.org")


def test_the_first_that_knows_the_person_is_the_last_that_is_asked() -> None:
    chain = Chain(NoSuchPerson("who?"), ALICE, known("another@example.org"))
    assert chain.enter() == ALICE.account.encode()
    assert chain.asked == ["source 1", "source 2"]
    assert chain.decoys == []
    assert [(step.facts["name"], step.facts["outcome"]) for step in chain.steps.taken] == [
        ("source 1", "who?"),
        ("source 2", "proved"),
    ]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(BadCredentials("wrong password"), "BadCredentials", id="wrong"),
        pytest.param(Unavailable("away"), "LogInUnavailable", id="away"),
        pytest.param(known("bob@example.org", enabled=False), "LogInDisabled", id="disabled"),
        pytest.param(NoSuchPerson("who?"), "NoSuchPerson", id="unknown"),
    ],
)
def test_whoever_wants_to_know_hears_how_every_log_in_ended(
    answer: StoredCredentials | Exception, told: str
) -> None:
    chain = Chain(answer)
    with pytest.raises(LogInRefused):
        chain.enter()
    *_, source, end = chain.steps.taken
    assert (source.what, source.facts["name"]) == ("source", "source 1")
    assert (end.what, end.facts["reason"]) == ("refused", told)
    assert "wonder" not in str(chain.steps.taken)


def test_a_throttled_log_in_is_explained_too() -> None:
    chain = Chain(BadCredentials("wrong"))
    for n in range(4):
        with pytest.raises(LogInRefused):
            chain.enter(password=f"secret {n}")
    assert chain.steps.taken[-1].facts["reason"] == "TooManyAttempts"


@pytest.mark.parametrize("answer", [BadCredentials("wrong"), LogInDisabled("off")])
def test_a_source_that_knows_the_person_has_the_last_word(answer: Exception) -> None:
    chain = Chain(answer, ALICE)
    with pytest.raises(type(answer)):
        chain.enter()
    assert chain.asked == ["source 1"]


@pytest.mark.parametrize("outage", [Unavailable("away"), LogInUnavailable("away")])
def test_while_a_source_is_away_no_other_is_asked_and_nothing_is_held_against_anybody(
    outage: Exception,
) -> None:
    """Another source could take the person for somebody else."""
    chain = Chain(outage, ALICE)
    for n in range(5):
        with pytest.raises(LogInUnavailable, match="away"):
            chain.enter(password=f"secret {n}")
    assert chain.asked == ["source 1"]


def test_whom_nobody_knows_is_refused_after_as_long_as_anybody() -> None:
    chain = Chain(NoSuchPerson(), NoSuchPerson())
    with pytest.raises(BadCredentials, match="unknown to source 1, source 2"):
        chain.enter()
    assert chain.decoys == ["wonder"]


def test_who_does_not_take_a_name_is_not_asked() -> None:
    chain = Chain(ALICE)
    chain.sources[0].takes = lambda given: given.login.endswith("@example.org")
    with pytest.raises(BadCredentials, match="no source"):
        chain.enter("alice@example.com")
    assert chain.asked == []
    assert chain.enter("alice@example.org") == ALICE.account.encode()


def test_different_wrong_passwords_are_counted_over_all_sources() -> None:
    chain = Chain(NoSuchPerson(), BadCredentials("wrong"))
    for n in range(3):
        with pytest.raises(BadCredentials):
            chain.enter(password=f"secret {n}")
    with pytest.raises(TooManyAttempts):
        chain.enter(password="secret 3")


def test_disabled_accounts_are_refused_whoever_vouches_for_the_password() -> None:
    chain = Chain(known("bob@example.org", enabled=False))
    with pytest.raises(LogInDisabled):
        chain.enter()


def test_sources_are_given_what_the_client_said_prepared() -> None:
    chain = Chain(ALICE)
    chain.enter("al\u00adice", "wo\u2168nder")  # 4013 3: soft hyphen, roman nine
    (given,) = chain.sources[0].asked
    assert (given.login, given.password) == ("alice", "woIXnder")
    assert given.address == "192.0.2.1"
    assert "woIXnder" not in repr(given)


@pytest.mark.parametrize("octets", [b"\xff", "\u0007".encode()])
def test_names_that_cannot_be_reach_no_source(octets: bytes) -> None:
    chain = Chain(ALICE)

    async def ask() -> bytes | tuple[()]:
        return await chain.chain.requestAvatarId(UsernamePassword(octets, b"wonder"))

    with pytest.raises(BadCredentials):
        run(ask())
    assert chain.asked == []

"""Master users: PLAIN, LOGIN and SCRAM as somebody else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from twisted.internet.task import Clock

from mailhub.auth.apppasswords import AppPasswords
from mailhub.auth.external import ExternalChecker
from mailhub.auth.masters import Masters
from mailhub.auth.policy import Policy
from mailhub.auth.portal import make_checkers, make_portal
from mailhub.auth.realm import MailRealm
from mailhub.config.options import AuthConfig, PolicyRule
from mailhub.interfaces import (
    BadCredentials,
    LogInDisabled,
    LogInForbidden,
    LogInRefused,
    NoSuchPerson,
    TooManyAttempts,
)
from mailhub.model.apppasswords import AppPassword, digest, generate
from mailhub.model.directory import Group
from mailhub.model.mail import AccountId, Client, ClientCertificate
from mailhub.net.login import LogIn
from mailhub.rules import Rules
from tests.auth.accounts import Accounts, CountedHashing
from tests.auth.test_apppasswords import Known
from tests.auth.test_scram import Dialogue
from tests.events import Events
from tests.harness import run
from tests.memory_store import MemoryStore
from tests.net.world import World

ADMIN, HELPER, ALICE = "admin@example.org", "helper@example.org", "alice@example.org"
CLIENT = Client("c1", "imap", "192.0.2.1", 4711, tls=True)
MASTERS = AuthConfig(failure_delay=0, masters=("Admin@example.org",), master_groups=("support",))


class Door:
    """alice; admin, a master by name; helper, one by group, over IMAP only."""

    def __init__(self, config: AuthConfig = MASTERS) -> None:
        self.accounts, self.known, store = Accounts(), Known(), MemoryStore()
        self.seen: list[AccountId] = []
        for address in (ADMIN, HELPER, ALICE):
            stored = self.accounts.add(address, address.partition("@")[0])
            self.accounts.stored[address] = replace(stored, account=store.add_account(address).id)
        groups = frozenset((Group("cn=support,dc=example", "Support"),))
        self.change(HELPER, directory="corp", groups=groups)
        rules = Rules((PolicyRule("x", accounts=(HELPER,), protocols=("imap",)),))
        policy = Policy(self.accounts, rules, Masters(config))
        checkers = make_checkers(
            self.accounts,
            config,
            Clock(),
            CountedHashing(),
            b"secret",
            policy,
            first=[AppPasswords(self.accounts, self.known)],  # type: ignore[arg-type]
        )
        checkers.append(ExternalChecker(self.accounts, policy))
        self.log_in = LogIn(
            make_portal(MailRealm(store, self.seen.append), checkers), World().host, config
        )

    def change(self, address: str, **different: object) -> None:
        stored = self.accounts.stored[address]
        self.accounts.stored[address] = replace(stored, **different)  # type: ignore[arg-type]

    def enter(self, user: str, password: str, act_as: str = "", **client: object) -> str:
        message = "\0".join((act_as, user, password)).encode()
        who = replace(CLIENT, **client)  # type: ignore[arg-type]
        return run(self.log_in.sasl(who, "PLAIN", message, _unasked)).account.address


async def _unasked(challenge: bytes) -> bytes | None:
    raise AssertionError("asked")


@pytest.fixture
def door() -> Door:
    return Door()


# --- refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "password", "refusal"),
    [
        (f"{ALICE}*{ADMIN}", "wrong", BadCredentials),
        (f"{ALICE}*{ADMIN}", "alice", BadCredentials),
        (f"{ALICE}*nobody@example.org", "admin", NoSuchPerson),
        (f"{ADMIN}*{ALICE}", "alice", LogInForbidden),
        (f"{HELPER}*{ADMIN}", "admin", LogInForbidden),
        (f"{ADMIN}*{HELPER}", "helper", LogInForbidden),
        (f"nobody@example.org*{ADMIN}", "admin", LogInForbidden),
        (f"*{ADMIN}", "admin", BadCredentials),
        (f"{ALICE}*", "alice", BadCredentials),
        (f"{ALICE}*{ALICE}*{ADMIN}", "admin", LogInForbidden),
    ],
)
def test_nobody_gets_in_who_may_not(
    door: Door, user: str, password: str, refusal: type[LogInRefused]
) -> None:
    with pytest.raises(refusal):
        door.enter(user, password)


def test_the_name_goes_with_no_other_authorization(door: Door) -> None:
    with pytest.raises(BadCredentials):
        door.enter(f"{ALICE}*{ADMIN}", "admin", HELPER)


def test_without_masters_the_separator_means_nothing() -> None:
    door = Door(AuthConfig(failure_delay=0))
    odd = "a*b@example.org"
    door.accounts.stored[odd] = replace(door.accounts.stored[ALICE], address=odd)
    assert door.enter(odd, "alice") == ALICE
    with pytest.raises(BadCredentials):
        door.enter(f"{ALICE}*{ADMIN}", "admin")
    with pytest.raises(LogInForbidden):
        door.enter(ADMIN, "admin", ALICE)


def test_a_disabled_account_is_disabled_and_so_is_a_disabled_master(door: Door) -> None:
    door.change(ALICE, enabled=False)
    with pytest.raises(LogInDisabled):
        door.enter(f"{ALICE}*{ADMIN}", "admin")
    door.change(ALICE, enabled=True)
    door.change(ADMIN, enabled=False)
    with pytest.raises(LogInDisabled):
        door.enter(f"{ALICE}*{ADMIN}", "admin")


def test_rules_hold_for_the_master(door: Door) -> None:
    assert door.enter(f"{ALICE}*{HELPER}", "helper") == ALICE
    with pytest.raises(LogInForbidden):
        door.enter(f"{ALICE}*{HELPER}", "helper", protocol="pop3")


def test_an_app_password_is_good_for_oneself_only(door: Door) -> None:
    made = generate()
    secret = digest(made)
    assert secret is not None
    account = door.accounts.stored[ADMIN].account
    both = frozenset(("imap", "pop3"))
    door.known.by_digest[secret] = AppPassword(1, account, ADMIN, "phone", both, (), True, 1, None)
    assert door.enter(ADMIN, made) == ADMIN
    with pytest.raises(LogInForbidden, match="own password"):
        door.enter(f"{ALICE}*{ADMIN}", made)


def test_guessing_is_slowed_down_whomever_the_master_names(door: Door) -> None:
    for number in range(MASTERS.throttle_attempts):
        with pytest.raises(BadCredentials):
            door.enter(f"user{number}@example.org*{ADMIN}", f"guess {number}")
    with pytest.raises(TooManyAttempts):
        door.enter(f"{ALICE}*{ADMIN}", "admin")


# --- let in -------------------------------------------------------------------------------


def test_both_forms_name_the_account_and_every_use_is_an_event(door: Door, events: Events) -> None:
    assert door.enter(f"{ALICE}*{ADMIN}", "admin") == ALICE
    assert events["login.ok"]["means"] == f"master user {ADMIN}"
    assert (events["login.master"]["master"], events["login.master"]["account"]) == (ADMIN, ALICE)
    assert door.enter(ADMIN, "admin", ALICE) == ALICE
    assert events.names().count("login.master") == 2
    assert door.seen == []
    door.enter(ALICE, "alice")
    assert door.seen == [door.accounts.stored[ALICE].account]


def test_a_master_is_somebody_too(door: Door, events: Events) -> None:
    assert door.enter(ADMIN, "admin") == ADMIN
    assert door.enter(f"{ADMIN}*{ADMIN}", "admin") == ADMIN
    assert door.enter(ALICE, "alice") == ALICE
    assert "login.master" not in events.names()


def test_another_separator() -> None:
    door = Door(replace(MASTERS, master_separator="|"))
    assert door.enter(f"{ALICE}|{ADMIN}", "admin") == ALICE


def test_scram_takes_the_name_as_well(door: Door) -> None:
    dialogue = Dialogue(f"{ALICE}*{ADMIN}", "admin", "SCRAM-SHA-256", None)
    entering = door.log_in.sasl(CLIENT, "SCRAM-SHA-256", dialogue.first(), dialogue.answer, ())
    assert run(entering).account.address == ALICE


def test_a_certificate_is_a_secret_of_ones_own(door: Door, events: Events) -> None:
    client = replace(CLIENT, certificate=ClientCertificate("CN=admin", (ADMIN,)))
    entering = door.log_in.sasl(client, "EXTERNAL", ALICE.encode(), _unasked)
    assert run(entering).account.address == ALICE
    assert events["login.ok"]["means"] == f"master user {ADMIN} by certificate CN=admin"

"""Passwords of local accounts, through the portal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from twisted.cred.credentials import UsernamePassword
from twisted.cred.portal import Portal
from twisted.internet.task import Clock

from mailhub.auth.portal import make_checkers, make_portal
from mailhub.auth.realm import MailRealm
from mailhub.config.options import AuthConfig
from mailhub.interfaces import (
    BadCredentials,
    IAccount,
    LogInDisabled,
    LogInForbidden,
    LogInUnavailable,
    TooManyAttempts,
)
from mailhub.model.mail import AccountId, Client, Verifier
from mailhub.net.credentials import ClientPassword
from mailhub.sasl.plain import Password
from tests.auth.accounts import Accounts, CountedHashing, of_password
from tests.events import Events
from tests.harness import run
from tests.memory_store import MemoryStore

CLIENT = Client("c1", "imap", "192.0.2.1", 4711, tls=True)


class Door:
    def __init__(self, **config: float) -> None:
        self.clock = Clock()
        self.accounts = Accounts()
        self.hashing = CountedHashing()
        self.store = MemoryStore()
        self.seen: list[AccountId] = []
        checkers = make_checkers(
            self.accounts,
            replace(AuthConfig(), **config),  # type: ignore[arg-type]
            self.clock,
            self.hashing,
            b"secret",
        )
        self.portal: Portal = make_portal(MailRealm(self.store, self.seen.append), checkers)

    def add(self, address: str, password: str = "wonder", *, enabled: bool = True) -> None:
        self.accounts.add(address, password, enabled=enabled)
        self.store.add_account(address)

    def enter(
        self,
        user: str | bytes,
        password: str | bytes = "wonder",
        *,
        act_as: str = "",
        address: str = "192.0.2.1",
    ) -> str:
        name, secret = (p if isinstance(p, bytes) else p.encode() for p in (user, password))
        given = Password(act_as.encode(), name, secret)
        credentials = ClientPassword(given, replace(CLIENT, address=address))

        async def log_in() -> str:
            _, account, logout = await self.portal.login(credentials, None, IAccount)
            logout()
            return str(account.address)  # type: ignore[attr-defined]

        return run(log_in())


@pytest.fixture
def door() -> Door:
    door = Door()
    door.add("alice@example.org")
    return door


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("alice@example.org", "wrong"),
        ("alice@example.org", "Wonder"),
        ("alice@example.org", "wonder "),
        ("nobody@example.org", "wonder"),
        (b"\xff", "wonder"),
        ("alice@example.org", b"\xff"),
        ("alice@example.org", "wonder\u0007"),
        ("\u0007", "wonder"),
    ],
)
def test_a_wrong_name_or_password_is_refused(
    door: Door, user: str | bytes, password: str | bytes
) -> None:
    with pytest.raises(BadCredentials):
        door.enter(user, password)


def test_the_right_password_opens_the_account(door: Door) -> None:
    assert door.enter("Alice@Example.org") == "alice@example.org"
    assert door.seen == ["id-alice@example.org"]


def test_passwords_are_prepared_before_they_are_compared(door: Door) -> None:
    door.add("bob@example.org", "pass\u00a0w\u00f6rt")

    assert door.enter("bob@example.org", "pass wo\u0308rt") == "bob@example.org"


def test_plain_credentials_of_twisted_serve_as_well(door: Door) -> None:
    async def log_in() -> object:
        credentials = UsernamePassword(b"alice@example.org", b"wonder")
        return (await door.portal.login(credentials, None, IAccount))[1]

    assert run(log_in()) is door.store.accounts[AccountId("id-alice@example.org")]


def test_an_account_that_does_not_exist_costs_the_same_work(door: Door) -> None:
    for user in ("alice@example.org", "nobody@example.org"):
        before = door.hashing.count
        with pytest.raises(BadCredentials):
            door.enter(user, "wrong")
        assert door.hashing.count == before + 1


def test_an_account_without_verifiers_lets_nobody_in(door: Door) -> None:
    door.accounts.add("new@example.org", verifiers=())
    with pytest.raises(BadCredentials):
        door.enter("new@example.org", "")
    with pytest.raises(BadCredentials):
        door.enter("new@example.org", "anything")


def test_a_disabled_account_is_told_so_only_with_its_password(door: Door) -> None:
    door.add("gone@example.org", enabled=False)
    with pytest.raises(LogInDisabled):
        door.enter("gone@example.org")
    with pytest.raises(BadCredentials):
        door.enter("gone@example.org", "wrong")


def test_one_may_act_as_oneself_and_nobody_else(door: Door) -> None:
    door.add("bob@example.org")
    door.enter("alice@example.org", act_as="ALICE@example.org")
    for other in ("bob@example.org", "nobody@example.org"):
        with pytest.raises(LogInForbidden):
            door.enter("alice@example.org", act_as=other)


def test_when_the_hub_cannot_be_read_it_is_not_the_passwords_fault(door: Door) -> None:
    door.accounts.down = True
    for _ in range(50):
        with pytest.raises(LogInUnavailable):
            door.enter("alice@example.org")
    door.accounts.down = False
    door.enter("alice@example.org")


def test_an_account_whose_mail_is_missing_is_refused(door: Door) -> None:
    door.accounts.add("lost@example.org")
    with pytest.raises(BadCredentials, match="no mail account"):
        door.enter("lost@example.org")


# --- the memory of proved passwords ---


def test_a_proved_password_is_not_hashed_again_for_a_while(door: Door) -> None:
    for _ in range(5):
        door.enter("alice@example.org")
    assert door.hashing.count == 1

    door.clock.advance(61)
    door.enter("alice@example.org")
    assert door.hashing.count == 2


def test_a_changed_password_counts_at_once(door: Door) -> None:
    door.enter("alice@example.org")
    door.accounts.add("alice@example.org", "changed")
    with pytest.raises(BadCredentials):
        door.enter("alice@example.org", "wonder")
    door.enter("alice@example.org", "changed")


def test_the_memory_can_be_switched_off() -> None:
    door = Door(verified_secret_cache=0.0)
    door.add("alice@example.org")
    for _ in range(2):
        door.enter("alice@example.org")

    assert door.hashing.count == 2


# --- upgrading verifiers ---


def test_weaker_verifiers_are_replaced_when_the_password_is_known(
    door: Door, events: Events
) -> None:
    strong = of_password("wonder")
    door.accounts.add("alice@example.org", verifiers=strong[:1])
    door.enter("alice@example.org")

    assert door.accounts.replaced == [("id-alice@example.org", "wonder")]
    assert events["password.upgraded"]["account"] == "alice@example.org"


def test_up_to_date_verifiers_stay(door: Door) -> None:
    door.enter("alice@example.org")

    assert door.accounts.replaced == []


def test_a_failing_upgrade_does_not_keep_anybody_out(
    door: Door, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailhub.model.errors import Unavailable

    async def refuse(account: AccountId, password: str) -> None:
        raise Unavailable

    monkeypatch.setattr(door.accounts, "replace_verifiers", refuse)
    door.accounts.add("alice@example.org", verifiers=of_password("wonder")[:1])
    door.enter("alice@example.org")

    assert "alice@example.org" in events["error"]["what"]


def test_scram_keys_alone_serve_for_a_password(door: Door) -> None:
    only_scram = tuple(v for v in of_password("wonder") if v.scheme == "SCRAM-SHA-256")
    door.accounts.add("alice@example.org", verifiers=only_scram)

    assert door.enter("alice@example.org") == "alice@example.org"
    with pytest.raises(BadCredentials):
        door.enter("alice@example.org", "wrong")


@pytest.mark.parametrize(
    "verifier",
    [
        Verifier("argon2id", "nonsense"),
        Verifier("argon2id", ""),
        Verifier("SCRAM-SHA-256", "4096:!!:a:b"),
        Verifier("SCRAM-SHA-256", ""),
        Verifier("rot13", "jbaqre"),
    ],
)
def test_a_damaged_verifier_lets_nobody_in(door: Door, verifier: Verifier) -> None:
    door.accounts.add("alice@example.org", verifiers=(verifier,))
    with pytest.raises(BadCredentials):
        door.enter("alice@example.org")


# --- throttling ---


def test_guessing_has_to_wait(door: Door) -> None:
    for number in range(10):
        with pytest.raises(BadCredentials):
            door.enter("alice@example.org", f"guess {number}")
    with pytest.raises(TooManyAttempts):
        door.enter("alice@example.org", "wonder")
    assert door.hashing.count == 10

    door.clock.advance(601)
    door.enter("alice@example.org", "wonder")


def test_others_at_the_same_address_and_the_account_elsewhere_do_not_wait(door: Door) -> None:
    door.add("bob@example.org")
    for number in range(11):
        with pytest.raises((BadCredentials, TooManyAttempts)):
            door.enter("alice@example.org", f"guess {number}")

    door.enter("bob@example.org")
    door.enter("alice@example.org", address="192.0.2.2")


def test_a_forgotten_phone_with_an_old_password_locks_nobody_out(door: Door) -> None:
    for _ in range(20):
        with pytest.raises(BadCredentials):
            door.enter("alice@example.org", "old password")

    door.enter("alice@example.org", "wonder")

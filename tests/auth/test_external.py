"""EXTERNAL: whose account a client certificate is for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailhub.auth.external import ExternalChecker
from mailhub.auth.policy import Policy
from mailhub.auth.portal import make_portal
from mailhub.auth.realm import MailRealm
from mailhub.config.options import AuthConfig, PolicyRule
from mailhub.interfaces import (
    BadCredentials,
    LogInDisabled,
    LogInForbidden,
    LogInUnavailable,
    NoSuchPerson,
)
from mailhub.model.mail import Client, ClientCertificate
from mailhub.net.login import LogIn, SaslCancelled, UnknownMechanism
from mailhub.rules import Rules
from tests.auth.accounts import Accounts
from tests.events import Events
from tests.harness import run
from tests.memory_store import MemoryStore
from tests.net.world import World

ALICE, BOB = "alice@example.org", "bob@example.org"
CLIENT = Client("c1", "imap", "192.0.2.1", 4711, tls=True)
ANN = ClientCertificate("CN=ann", ("unknown@example.org", ALICE))
BOTH = ClientCertificate("CN=both", (ALICE, BOB))


class Door:
    """alice and bob; only IMAP for bob."""

    def __init__(self) -> None:
        self.accounts, store = Accounts(), MemoryStore()
        for address in (ALICE, BOB):
            stored = self.accounts.add(address, verifiers=())
            self.accounts.stored[address] = replace(stored, account=store.add_account(address).id)
        rules = Rules((PolicyRule("bob", accounts=(BOB,), protocols=("imap",)),))
        portal = make_portal(
            MailRealm(store), [ExternalChecker(self.accounts, Policy(self.accounts, rules))]
        )
        self.log_in = LogIn(portal, World().host, AuthConfig(failure_delay=0))

    def enter(
        self,
        certificate: ClientCertificate | None,
        message: bytes | None = b"",
        protocol: str = "imap",
        later: bytes | None = b"",
    ) -> str:
        client = replace(CLIENT, certificate=certificate, protocol=protocol)
        self.challenges: list[bytes] = []

        async def ask(challenge: bytes) -> bytes | None:
            self.challenges.append(challenge)
            return later

        return run(self.log_in.sasl(client, "external", message, ask)).account.address


@pytest.fixture
def door() -> Door:
    return Door()


# --- refused ------------------------------------------------------------------------------


def test_without_a_certificate_it_is_not_offered(door: Door) -> None:
    assert door.log_in.mechanisms(CLIENT) == ()
    assert door.log_in.mechanisms(replace(CLIENT, certificate=ANN)) == ("EXTERNAL",)
    with pytest.raises(UnknownMechanism):
        door.enter(None)


def test_one_that_is_not_believed_is_refused_and_nobody_is_looked_for(
    door: Door, events: Events
) -> None:
    door.accounts.down = True  # would be another refusal
    with pytest.raises(BadCredentials):
        door.enter(replace(ANN, problem="certificate revoked"))
    assert events["login.refused"]["detail"] == "certificate CN=ann: certificate revoked"
    assert [step.what for step in events["login.refused"]["log_steps"]] == [
        "certificate",
        "refused",
    ]


@pytest.mark.parametrize("names", [(), ("unknown@example.org",)])
def test_one_of_nobody_here_is_refused(door: Door, names: tuple[str, ...]) -> None:
    with pytest.raises(NoSuchPerson):
        door.enter(ClientCertificate("CN=x", names))


@pytest.mark.parametrize("message", [b"\xff", b"alice\0", b"\x07", BOB.encode(), b"nobody"])
def test_nobody_acts_as_somebody_else(door: Door, message: bytes) -> None:
    with pytest.raises((BadCredentials, LogInForbidden)):
        door.enter(ANN, message)


def test_of_several_accounts_the_client_must_say_which(door: Door) -> None:
    with pytest.raises(LogInForbidden, match=r"alice@example\.org and bob@example\.org"):
        door.enter(BOTH)
    assert door.enter(BOTH, BOB.encode()) == BOB
    assert door.enter(BOTH, ALICE.encode()) == ALICE


def test_a_client_may_give_up(door: Door) -> None:
    with pytest.raises(SaslCancelled):
        door.enter(ANN, None, later=None)


def test_rules_hold(door: Door) -> None:
    with pytest.raises(LogInForbidden):
        door.enter(BOTH, BOB.encode(), "pop3")
    door.accounts.stored[ALICE] = replace(door.accounts.stored[ALICE], enabled=False)
    with pytest.raises(LogInDisabled):
        door.enter(ANN)
    door.accounts.down = True
    with pytest.raises(LogInUnavailable):
        door.enter(ANN)


# --- let in -------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [b"", ALICE.encode(), b"Alice@Example.Org"])
def test_the_first_name_with_an_account_is_let_in(
    door: Door, message: bytes, events: Events
) -> None:
    assert door.enter(ANN, message) == ALICE
    assert door.challenges == []
    assert events["login.ok"]["means"] == "certificate CN=ann"
    assert events["login.ok"]["mechanism"] == "EXTERNAL"


def test_without_an_initial_response_an_empty_challenge_asks_for_it(door: Door) -> None:
    assert door.enter(BOTH, None, later=BOB.encode()) == BOB
    assert door.challenges == [b""]

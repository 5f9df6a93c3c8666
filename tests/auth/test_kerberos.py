"""GSSAPI: tickets of a real KDC, and what is none.  (curl's are in tests/e2e.)"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailhub.auth.hashing import InlineHashing
from mailhub.auth.kerberos import GssapiChecker
from mailhub.auth.masters import Masters
from mailhub.auth.policy import Policy
from mailhub.auth.portal import make_portal
from mailhub.auth.realm import MailRealm
from mailhub.config.options import AuthConfig, GssapiConfig
from mailhub.interfaces import (
    BadCredentials,
    LogInDisabled,
    LogInForbidden,
    LogInRefused,
    LogInUnavailable,
    NoSuchPerson,
)
from mailhub.model.mail import Client
from mailhub.net.login import LogIn, SaslCancelled
from mailhub.sasl.errors import SaslFailed
from mailhub.sasl.gssapi import MAX_OCTETS, chosen
from tests.auth.accounts import Accounts
from tests.e2e.server import absent
from tests.events import Events
from tests.harness import run
from tests.kdc import Kdc
from tests.memory_store import MemoryStore
from tests.net.world import World

ALICE, BOB = "alice@example.org", "bob@example.org"
CLIENT = Client("c1", "imap", "192.0.2.1", 4711)
HOST = "mail.example.org"


@pytest.mark.parametrize(
    "message", [b"", b"\x01\0\0", b"\0\0\0\0", b"\x02\0\0\0", b"\x03\0\0\0alice", b"\x01\0\0\x01"]
)
def test_a_choice_that_is_none_of_ours_is_refused(message: bytes) -> None:
    with pytest.raises(SaslFailed):
        chosen(message)


def test_no_layer_and_a_name_may_be_chosen() -> None:
    assert chosen(b"\x01\0\0\0") == b""
    assert chosen(b"\x01\0\0\0alice") == b"alice"


# --- with a KDC ---------------------------------------------------------------------------


class Realm:
    """The KDC, and the keytab of imap and pop on mail.example.org."""

    def __init__(self, folder: Path) -> None:
        self.kdc = Kdc(folder)
        services = [f"imap/{HOST}", f"pop/{HOST}", "imap/other.example.org", f"http/{HOST}"]
        for name in ("alice", "bob", "alice/admin", "nobody"):
            self.kdc.add(name, "pass word")
        for name in services:
            self.kdc.add(name)
        self.keytab = self.kdc.keytab("mail.keytab", *services)
        self.kdc.start()
        self.caches = {
            name: self.kdc.ticket(name, "pass word")
            for name in ("alice", "bob", "alice/admin", "nobody")
        }


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    try:
        __import__("gssapi")
    except ImportError:
        absent("the module gssapi")
    made = Realm(tmp_path_factory.mktemp("kdc"))
    before = dict(os.environ)
    os.environ.update(made.kdc.environment)
    yield made
    os.environ.clear()
    os.environ.update(before)
    made.kdc.stop()


class Ticket:
    """A client of python-gssapi."""

    def __init__(self, realm: Realm, who: str = "alice", service: str = f"imap/{HOST}") -> None:
        import gssapi

        name = gssapi.Name(f"{service}@EXAMPLE.ORG", gssapi.NameType.kerberos_principal)
        mine = gssapi.Credentials(usage="initiate", store={"ccache": realm.caches[who]})
        flags = gssapi.RequirementFlag.mutual_authentication
        self.context = gssapi.SecurityContext(name=name, creds=mine, flags=flags)
        self.first = self.context.step() or b""
        self.choice = b"\x01\0\0\0"

    def answer(self, challenge: bytes) -> bytes:
        if not self.context.complete:
            return self.context.step(challenge) or b""
        assert self.context.unwrap(challenge).message == b"\x01\0\0\0"
        return bytes(self.context.wrap(self.choice, False).message)


class Door:
    """alice and bob; no rules."""

    def __init__(self, realm: Realm, *, masters: tuple[str, ...] = (), **config: Any) -> None:
        self.accounts, store = Accounts(), MemoryStore()
        for address in (ALICE, BOB):
            stored = self.accounts.add(address, verifiers=())
            self.accounts.stored[address] = replace(stored, account=store.add_account(address).id)
        self.accounts.stored["alice"] = self.accounts.stored[ALICE]
        policy = Policy(self.accounts, masters=Masters(AuthConfig(masters=masters)))
        set_up = replace(GssapiConfig(realm.keytab, HOST), **config)
        checker = GssapiChecker(self.accounts, policy, InlineHashing(), set_up, "localhost")
        portal = make_portal(MailRealm(store), [checker])
        self.log_in = LogIn(portal, World().host, AuthConfig(failure_delay=0))

    def enter(self, ticket: Ticket, protocol: str = "imap") -> str:
        return self.say(ticket.first, ticket.answer, protocol)

    def say(self, first: bytes | None, answer: Any, protocol: str = "imap") -> str:
        async def ask(challenge: bytes) -> bytes | None:
            said: bytes | None = answer(challenge)
            return said

        client = replace(CLIENT, protocol=protocol)
        return run(self.log_in.sasl(client, "GSSAPI", first, ask)).account.address


@pytest.fixture
def door(realm: Realm) -> Door:
    return Door(realm)


@pytest.mark.parametrize(
    "token", [b"\0", b"x" * 1000, b"\x60\x82\xff\xff", b"\x60" + bytes(200), b"x" * MAX_OCTETS]
)
def test_what_is_no_token_is_refused(door: Door, events: Events, token: bytes) -> None:
    with pytest.raises(BadCredentials):
        door.say(token, lambda challenge: token)
    assert "the ticket is not accepted" in events["login.refused"]["detail"]


def test_one_that_is_too_long_is_not_looked_at(door: Door, events: Events) -> None:
    with pytest.raises(BadCredentials):
        door.say(b"x" * (MAX_OCTETS + 1), lambda challenge: b"")
    assert events["login.refused"]["detail"] == "message too long"


def test_nothing_at_all_is_refused(door: Door) -> None:
    with pytest.raises(BadCredentials):
        door.say(b"", lambda challenge: b"")


def test_a_client_may_give_up_at_any_point(door: Door, realm: Realm) -> None:
    with pytest.raises(SaslCancelled):
        door.say(None, lambda challenge: None)
    with pytest.raises(SaslCancelled):
        door.say(Ticket(realm).first, lambda challenge: None)
    ticket = Ticket(realm)
    answers: list[Callable[[bytes], bytes | None]] = [ticket.answer, lambda challenge: None]
    with pytest.raises(SaslCancelled):
        door.say(ticket.first, lambda challenge: answers.pop(0)(challenge))


def test_a_token_is_good_once(door: Door, realm: Realm) -> None:
    ticket = Ticket(realm)
    assert door.enter(ticket) == ALICE
    with pytest.raises(BadCredentials):
        door.say(ticket.first, lambda challenge: b"")


@pytest.mark.parametrize("choice", [b"", b"\x02\0\0\0", b"\x01\0\0\0\xff", b"\x01\0\0\0al\0"])
def test_a_bad_choice_of_layer_or_name_is_refused(door: Door, realm: Realm, choice: bytes) -> None:
    ticket = Ticket(realm)
    ticket.choice = choice
    with pytest.raises(LogInRefused):
        door.enter(ticket)


def test_a_choice_that_is_not_protected_is_refused(door: Door, realm: Realm) -> None:
    ticket = Ticket(realm)

    def answer(challenge: bytes) -> bytes:
        return b"\x01\0\0\0" if ticket.context.complete else ticket.answer(challenge)

    with pytest.raises(BadCredentials, match="forged"):
        door.say(ticket.first, answer)


@pytest.mark.parametrize(
    ("service", "protocol"),
    [
        (f"http/{HOST}", "imap"),
        (f"pop/{HOST}", "imap"),
        (f"imap/{HOST}", "pop3"),
        ("imap/other.example.org", "imap"),
    ],
)
def test_a_ticket_for_another_service_is_refused(
    door: Door, realm: Realm, service: str, protocol: str
) -> None:
    with pytest.raises(BadCredentials, match="the ticket is for"):
        door.enter(Ticket(realm, service=service), protocol)


def test_principals_of_other_realms_are_refused(realm: Realm) -> None:
    with pytest.raises(BadCredentials, match="not of the realm"):
        Door(realm, realms=("OTHER.ORG",)).enter(Ticket(realm))


@pytest.mark.parametrize("who", ["nobody", "alice/admin"])
def test_a_principal_without_an_account_is_nobody(door: Door, realm: Realm, who: str) -> None:
    with pytest.raises(NoSuchPerson):
        door.enter(Ticket(realm, who))


def test_an_unreadable_keytab_refuses_nobody(realm: Realm, tmp_path: Path) -> None:
    with pytest.raises(LogInUnavailable, match="none"):
        Door(realm, keytab=tmp_path / "none").enter(Ticket(realm))


def test_rules_hold(door: Door, realm: Realm) -> None:
    for name in (ALICE, "alice"):
        door.accounts.stored[name] = replace(door.accounts.stored[name], enabled=False)
    with pytest.raises(LogInDisabled):
        door.enter(Ticket(realm))


def test_a_ticket_lets_in(door: Door, realm: Realm, events: Events) -> None:
    assert door.enter(Ticket(realm)) == ALICE
    assert events["login.ok"]["means"] == "ticket of alice@EXAMPLE.ORG"
    assert door.enter(Ticket(realm, service=f"pop/{HOST}"), "pop3") == ALICE


def test_without_an_initial_response_an_empty_challenge_asks_for_it(
    door: Door, realm: Realm
) -> None:
    ticket = Ticket(realm)
    assert door.say(None, lambda c: ticket.answer(c) if c else ticket.first) == ALICE


def test_the_name_is_the_principal_or_its_user_as_configured(realm: Realm) -> None:
    with pytest.raises(NoSuchPerson):
        Door(realm, names=("user",)).enter(Ticket(realm, "bob"))
    assert Door(realm, names=("principal",)).enter(Ticket(realm, "bob")) == BOB
    assert Door(realm, names=("user",)).enter(Ticket(realm)) == ALICE


def test_any_host_in_the_keytab_will_do_if_configured(realm: Realm) -> None:
    door = Door(realm, hostname="*")
    assert door.enter(Ticket(realm, service="imap/other.example.org")) == ALICE
    with pytest.raises(BadCredentials):
        door.enter(Ticket(realm, service=f"http/{HOST}"))


def test_nobody_acts_as_somebody_else_without_being_a_master(realm: Realm, events: Events) -> None:
    ticket = Ticket(realm)
    ticket.choice += BOB.encode()
    with pytest.raises(LogInForbidden):
        Door(realm).enter(ticket)
    ticket = Ticket(realm)
    ticket.choice += BOB.encode()
    assert Door(realm, masters=(ALICE,)).enter(ticket) == BOB
    assert events["login.master"]["master"] == ALICE

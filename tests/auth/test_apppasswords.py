"""App passwords as a source, and log-ins that may only read."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest
from twisted.cred.credentials import UsernamePassword
from twisted.cred.portal import Portal
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from mailhub.auth.apppasswords import AppPasswords
from mailhub.auth.portal import make_checkers, make_portal
from mailhub.auth.readonly import ReadOnlyAccount, ReadOnlyMailbox
from mailhub.auth.realm import MailRealm
from mailhub.config.options import AuthConfig
from mailhub.interfaces import (
    BadCredentials,
    IAccount,
    IMailbox,
    Incoming,
    LogInDisabled,
    LogInForbidden,
    LogInRefused,
    LogInUnavailable,
    SecretExpired,
    TooManyAttempts,
)
from mailhub.model.apppasswords import AppPassword, digest, generate
from mailhub.model.errors import NotPermitted
from mailhub.model.flags import FlagChange
from mailhub.model.mail import AccountId, Client
from mailhub.model.names import INBOX, mailbox_name
from mailhub.model.numbers import EVERYTHING, NumberSet, Uid
from mailhub.model.steps import Steps
from mailhub.net.credentials import ClientPassword
from mailhub.sasl.plain import Password
from tests.auth.accounts import Accounts, CountedHashing
from tests.auth.test_chain import Source
from tests.harness import message, run
from tests.memory_store import MemoryAccount, MemoryStaged, MemoryStore

CLIENT = Client("c1", "imap", "192.0.2.1", 4711, tls=True)
ALICE = "alice@example.org"


class Known:
    """Some app passwords, and who used which."""

    def __init__(self) -> None:
        self.by_digest: dict[bytes, AppPassword] = {}
        self.used: list[tuple[int, str]] = []

    async def app_password(self, digest: bytes) -> AppPassword | None:
        return self.by_digest.get(digest)

    def record_app_password(self, number: int, address: str) -> None:
        self.used.append((number, address))


class Door:
    """alice and bob; a directory that must never be asked."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.known = Known()
        self.accounts = Accounts()
        self.store = MemoryStore()
        self.directory = Source("directory", AssertionError("asked"))
        self.steps = Steps()
        for address in (ALICE, "bob@example.org"):
            self.accounts.add(address)
            self.store.add_account(address)
        checkers = make_checkers(
            self.accounts,
            replace(AuthConfig(), order=("directory", "local")),
            Clock(),
            CountedHashing(),
            b"secret",
            directories={"directory": self.directory},
            first=[AppPasswords(self.accounts, self.known, lambda: self.now)],  # type: ignore[arg-type]
        )
        self.portal: Portal = make_portal(MailRealm(self.store), checkers)
        self.phone = AppPassword(
            7,
            AccountId(f"id-{ALICE}"),
            ALICE,
            "phone",
            frozenset(("imap", "pop3")),
            (),
            False,
            1,
            None,
        )

    def add(self, **different: object) -> str:
        made = generate()
        secret = digest(made)
        assert secret is not None
        self.known.by_digest[secret] = replace(self.phone, **different)  # type: ignore[arg-type]
        return made

    def enter(self, password: str, user: str = ALICE, **client: object) -> IAccount:
        given = ClientPassword(
            Password(b"", user.encode(), password.encode()),
            replace(CLIENT, **client),  # type: ignore[arg-type]
            self.steps,
        )

        async def log_in() -> IAccount:
            _, account, _ = await self.portal.login(given, None, IAccount)
            return account  # type: ignore[return-value]

        account = run(log_in())
        self.means = given.terms.means
        return account


@pytest.fixture
def door() -> Door:
    door = Door()
    for account in list(door.store.accounts.values()):
        door.store.accounts[AccountId(f"id-{account.address}")] = account
    return door


# --- refusals -----------------------------------------------------------------------------


def test_one_that_nobody_has_is_refused_and_no_directory_is_asked(door: Door) -> None:
    made = door.add()
    wrong = made[:-1] + ("a" if made[-1] != "a" else "b")
    for password in (generate(), wrong, "mhapp-", made[:20]):
        with pytest.raises(BadCredentials):
            door.enter(password)
    assert not door.directory.asked


def test_somebody_elses_name_is_a_wrong_password(door: Door) -> None:
    for user in ("bob@example.org", "nobody@example.org"):
        with pytest.raises(BadCredentials):
            door.enter(door.add(), user)
    assert not door.known.used


def test_guessing_is_slowed_down_like_with_any_password(door: Door) -> None:
    for _ in range(AuthConfig().throttle_attempts):
        with pytest.raises(BadCredentials):
            door.enter(generate())
    with pytest.raises(TooManyAttempts):
        door.enter(door.add())


@pytest.mark.parametrize(
    ("different", "refusal"),
    [
        ({"expires": 1000}, SecretExpired),
        ({"protocols": frozenset(("pop3",))}, LogInForbidden),
        ({"networks": (ip_network("10.0.0.0/8"), ip_network("::/0"))}, LogInForbidden),
    ],
)
def test_it_is_for_nothing_else(
    door: Door, different: dict[str, object], refusal: type[LogInRefused]
) -> None:
    made = door.add(**different)
    with pytest.raises(refusal, match="app password phone"):
        door.enter(made)
    assert not door.known.used


def test_a_client_that_is_not_known_can_keep_to_nothing(door: Door) -> None:
    for different in ({"protocols": frozenset(("imap",))}, {"networks": (ip_network("::/0"),)}):
        credentials = UsernamePassword(ALICE.encode(), door.add(**different).encode())

        async def log_in(given: UsernamePassword = credentials) -> object:
            return await door.portal.login(given, None, IAccount)

        with pytest.raises(LogInForbidden):
            run(log_in())


def test_a_disabled_account_stays_disabled(door: Door) -> None:
    door.accounts.add(ALICE, enabled=False)
    with pytest.raises(LogInDisabled):
        door.enter(door.add())


def test_what_cannot_be_looked_up_says_nothing_about_the_secret(door: Door) -> None:
    door.accounts.down = True
    for _ in range(AuthConfig().throttle_attempts + 1):
        with pytest.raises(LogInUnavailable):
            door.enter(door.add())


# --- let in -------------------------------------------------------------------------------


def test_the_right_one_is_let_in_and_noted(door: Door) -> None:
    account = door.enter(
        door.add(expires=1001, networks=(ip_network("192.0.2.0/24"),)), user="Alice@Example.org"
    )
    assert (account.address, account.read_only) == (ALICE, False)
    assert door.known.used == [(7, "192.0.2.1")]
    assert door.means == "app password phone"
    assert [step.what for step in door.steps.taken] == ["app password", "source"]


def test_a_unix_socket_is_this_machine(door: Door) -> None:
    made = door.add(networks=(ip_network("127.0.0.0/8"),))
    assert door.enter(made, address="").address == ALICE


# --- reading only -------------------------------------------------------------------------


@pytest.fixture
def readable(door: Door) -> IAccount:
    run(memory(door).append(INBOX, [Incoming(MemoryStaged(message("one")))]))
    return door.enter(door.add(read_only=True))


def memory(door: Door) -> MemoryAccount:
    return door.store.accounts[AccountId(f"id-{ALICE}")]


def test_nothing_can_be_changed(door: Door, readable: IAccount) -> None:
    inbox, other, uids = run(readable.open(INBOX)), mailbox_name("Other"), NumberSet.of(1)
    staged = MemoryStaged(message("two"))
    before = memory(door).modseq
    for attempt in (
        lambda: readable.create(other),
        lambda: readable.delete(other),
        lambda: readable.rename(INBOX, other),
        lambda: readable.subscribe(INBOX, False),
        lambda: readable.check_room(INBOX, 1),
        lambda: readable.append(INBOX, [Incoming(staged)]),
        lambda: inbox.store(uids, FlagChange.ADD, frozenset(("\\Seen",))),
        lambda: inbox.copy(uids, INBOX),
        lambda: inbox.move(uids, INBOX),
        lambda: inbox.expunge(),
        lambda: inbox.remove(uids),
        lambda: inbox.claim_recent(),
    ):
        with pytest.raises(NotPermitted):
            run(attempt())
    with pytest.raises(NotPermitted):
        readable.stage()
    assert memory(door).modseq == before


def test_everything_can_be_read(door: Door, readable: IAccount) -> None:
    inbox = run(readable.open(INBOX))
    status = run(inbox.status())
    assert run(readable.status(INBOX)) == status
    assert [entry.name for entry in run(readable.mailboxes())] == [INBOX]
    assert run(readable.usage()) == run(memory(door).usage())
    assert run(readable.quota()) == run(memory(door).quota())
    assert list(run(inbox.uids(status.highest_modseq))) == [1]
    assert inbox.opened == status
    assert run(inbox.flags(EVERYTHING)).uids[0] == 1
    assert run(inbox.read(Uid(1), 0, 9)) == message("one")[:9]
    heard: list[object] = []
    readable.watch(heard.append)
    run(memory(door).append(INBOX, [Incoming(MemoryStaged(message("two")))]))
    assert heard
    run(readable.lock_maildrop())()


def test_the_wrappers_provide_everything_that_the_store_does(readable: IAccount) -> None:
    assert isinstance(readable, ReadOnlyAccount)
    inbox = run(readable.open(INBOX))
    assert isinstance(inbox, ReadOnlyMailbox)
    verifyObject(IAccount, readable)
    verifyObject(IMailbox, inbox)

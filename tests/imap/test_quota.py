"""QUOTA (RFC 9208), and what a full account is told."""

from __future__ import annotations

import pytest
from zope.interface import implementer

from mailhub.imap.factory import IMAP4Factory
from mailhub.interfaces import IAccount
from mailhub.interfaces_quota import IQuotaRoots
from mailhub.model.errors import NoSuchQuotaRoot
from mailhub.model.quota import Limits, Quota, QuotaStatus
from tests.harness import run
from tests.imap.harness import ImapClient, World

ALICE, BOB = "alice@example.org", "bob@example.org"


@implementer(IQuotaRoots)
class Roots:
    """Bob administers alice."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.said: list[tuple[str, Limits, str]] = []

    alerts: tuple[str, ...] = ()

    async def alert(self, account: IAccount) -> str:
        first, self.alerts = self.alerts[:1], self.alerts[1:]
        return "".join(first)

    def administers(self, account: IAccount) -> bool:
        return account.address == BOB

    async def status(self, address: str) -> QuotaStatus:
        if address != ALICE:
            raise NoSuchQuotaRoot
        return await self.world.alice.quota()

    async def set_limits(self, address: str, limits: Limits, by: str) -> QuotaStatus:
        await self.status(address)
        self.said.append((address, limits, by))
        self.world.alice.limits = Quota(octets=limits.octets or 0, messages=limits.messages or 0)
        return await self.world.alice.quota()


@pytest.fixture
def world() -> World:
    world = World()
    world.alice.limits = Quota(octets=10 * 1024, messages=3, mailboxes=5)
    return world


@pytest.fixture
def client(world: World) -> ImapClient:
    return world.connect("alice")


@pytest.fixture
def roots(world: World) -> Roots:
    roots = Roots(world)
    old = world.factory
    world.factory = IMAP4Factory(old._portal, old._config, world.host, old._auth, roots)
    return roots


# --- malformed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("GETQUOTA", "Missing argument at the end"),
        ("GETQUOTA alice@example.org more", "Unexpected text at 'more'"),
        ("GETQUOTAROOT", "Missing argument at the end"),
        ("SETQUOTA alice@example.org", "Missing argument at the end"),
        ("SETQUOTA alice@example.org STORAGE 5", "'(' expected at 'STORAGE 5'"),
        ("SETQUOTA alice@example.org (STORAGE)", "A space expected at ')'"),
        ("SETQUOTA alice@example.org (STORAGE -1)", "A number expected at '-1)'"),
        ("SETQUOTA alice@example.org (STORAGE 9999999999999999999)", "too large"),
    ],
)
def test_malformed_commands_are_bad(client: ImapClient, line: str, told: str) -> None:
    assert client.tagged(line).startswith("BAD ")
    assert told in client.tagged(line)


# --- one's own ----------------------------------------------------------------------------


def test_what_is_offered_is_advertised(client: ImapClient) -> None:
    (line,) = client.ok("CAPABILITY")
    words = set(line.split())
    assert {"QUOTA", "QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE", "QUOTA=RES-MAILBOX"} <= words
    assert "QUOTASET" not in words


def test_the_root_of_a_mailbox_is_the_account(client: ImapClient) -> None:
    assert client.ok("GETQUOTAROOT INBOX") == [
        f"* QUOTAROOT INBOX {ALICE}",
        f"* QUOTA {ALICE} (STORAGE 0 10 MESSAGE 0 3 MAILBOX 1 5)",
    ]


def test_a_mailbox_need_not_exist(client: ImapClient) -> None:
    assert client.ok("GETQUOTAROOT future")[0] == f"* QUOTAROOT future {ALICE}"


@pytest.mark.parametrize(("octets", "units"), [(1, 1), (1024, 1), (1025, 2)])
def test_storage_is_counted_in_units_of_1024_octets(
    world: World, client: ImapClient, octets: int, units: int
) -> None:
    world.deliver(data=b"x" * octets)
    assert client.ok(f"GETQUOTA {ALICE}") == [
        f"* QUOTA {ALICE} (STORAGE {units} 10 MESSAGE 1 3 MAILBOX 1 5)"
    ]


def test_a_resource_without_a_limit_is_left_out(world: World, client: ImapClient) -> None:
    world.alice.limits = Quota(messages=3)
    assert client.ok(f'GETQUOTA "{ALICE.upper()}"') == [
        f"* QUOTA {ALICE} (MESSAGE 0 3 MAILBOX 1 10000)"
    ]


def test_the_list_is_never_empty_as_its_grammar_asks(world: World, client: ImapClient) -> None:
    world.alice.limits = Quota()
    assert client.ok(f"GETQUOTA {ALICE}") == [f"* QUOTA {ALICE} (MAILBOX 1 10000)"]
    world.alice.limits = Quota(mailboxes=20_000)
    assert client.ok(f"GETQUOTA {ALICE}") == [f"* QUOTA {ALICE} (MAILBOX 1 10000)"]


def test_nobody_seems_to_keep_more_than_allowed(world: World, client: ImapClient) -> None:
    world.alice.limits = Quota(octets=1500)
    world.deliver(data=b"x" * 1400)
    assert client.ok(f"GETQUOTA {ALICE}") == [f"* QUOTA {ALICE} (STORAGE 2 2 MAILBOX 1 10000)"]
    world.alice.limits = Quota(octets=500)
    assert client.ok(f"GETQUOTA {ALICE}") == [f"* QUOTA {ALICE} (STORAGE 2 1 MAILBOX 1 10000)"]


def test_the_account_s_own_limit_of_a_message_is_told(world: World, client: ImapClient) -> None:
    world.alice.limits = Quota(message_octets=5000)
    (line,) = client.ok("CAPABILITY")
    assert "APPENDLIMIT=5000" in line.split()
    assert client.ok("STATUS INBOX (APPENDLIMIT)") == ["* STATUS INBOX (APPENDLIMIT 5000)"]
    world.alice.limits = Quota(message_octets=2**40)
    (line,) = client.ok("CAPABILITY")
    assert "APPENDLIMIT=52428800" in line.split()


@pytest.mark.parametrize("root", ['""', BOB, "nonsense", '"User quota"'])
def test_other_roots_do_not_exist_for_people(client: ImapClient, root: str) -> None:
    assert client.tagged(f"GETQUOTA {root}").startswith("NO [NONEXISTENT]")


def test_people_cannot_set_quotas(client: ImapClient) -> None:
    assert client.tagged(f"SETQUOTA {ALICE} (STORAGE 5)").startswith("NO [NOPERM]")


def test_status_tells_what_deleting_would_free(world: World, client: ImapClient) -> None:
    world.deliver(data=b"x" * 100, flags=("\\Deleted",))
    world.deliver(data=b"x" * 10)
    assert client.ok("STATUS INBOX (DELETED DELETED-STORAGE)") == [
        "* STATUS INBOX (DELETED 1 DELETED-STORAGE 100)"
    ]


# --- full ---------------------------------------------------------------------------------


def test_a_message_is_refused_before_it_is_sent(world: World, client: ImapClient) -> None:
    answer = client.send(f"a APPEND INBOX {{{10 * 1024 + 1}}}")
    assert answer[-1].startswith("a NO [OVERQUOTA] ")
    assert client.tagged("NOOP") == "OK NOOP completed"


def test_several_messages_are_filed_all_or_none(world: World, client: ImapClient) -> None:
    one = "{3+}\r\nabc"
    answer = client.send(f"a APPEND INBOX {one} {one} {one} {one}")
    assert answer[-1].startswith("a NO [OVERQUOTA] ")
    assert run(world.alice.usage()).messages == 0


def test_a_full_account_can_still_move_and_delete(world: World, client: ImapClient) -> None:
    for _ in range(3):
        world.deliver(data=b"x" * 100)
    client.ok("CREATE Trash (USE (\\Trash))")
    client.select()
    assert client.tagged("COPY 1 INBOX").startswith("NO [OVERQUOTA] ")
    client.ok("MOVE 1 Trash")
    client.ok("COPY 1 Trash")  # what older programs do instead
    client.ok("STORE 1 +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")


def test_no_more_mailboxes_than_there_may_be(world: World, client: ImapClient) -> None:
    client.ok("CREATE a/b")
    assert client.tagged("CREATE c/d/e").startswith("NO [OVERQUOTA] ")
    client.ok("CREATE c")


def test_a_warning_is_told_at_the_next_log_in_and_once(world: World, roots: Roots) -> None:
    roots.alerts = ("Your mailbox is 83 % full",)
    first, second = world.connect(), world.connect()
    answer = first.send("a LOGIN alice secret")
    assert answer[0] == "* OK [ALERT] Your mailbox is 83 % full"
    assert answer[1].startswith("a OK [CAPABILITY ")
    assert len(second.send("a LOGIN alice secret")) == 1


# --- administrators -----------------------------------------------------------------------


def test_an_administrator_sees_and_sets_others(world: World, roots: Roots) -> None:
    admin = world.connect("bob")
    assert "QUOTASET" in admin.ok("CAPABILITY")[0].split()
    assert admin.ok(f"GETQUOTA {ALICE}") == [
        f"* QUOTA {ALICE} (STORAGE 0 10 MESSAGE 0 3 MAILBOX 1 5)"
    ]
    assert admin.ok(f"SETQUOTA {ALICE} (STORAGE 20)") == [
        f"* QUOTA {ALICE} (STORAGE 0 20 MAILBOX 1 10000)"
    ]
    assert roots.said == [(ALICE, Limits(octets=20 * 1024, messages=0, mailboxes=0), BOB)]
    assert admin.ok(f"SETQUOTA {ALICE} ()") == [f"* QUOTA {ALICE} (MAILBOX 1 10000)"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"SETQUOTA {ALICE} (NONSENSE 5)", "CANNOT"),
        (f"SETQUOTA {ALICE} (STORAGE 0)", "CANNOT"),
        (f"SETQUOTA {ALICE} (STORAGE 9223372036854775807)", "CANNOT"),
        ("SETQUOTA nobody@example.org (STORAGE 5)", "NONEXISTENT"),
        ("GETQUOTA nobody@example.org", "NONEXISTENT"),
    ],
)
def test_what_cannot_be_set_is_refused(world: World, roots: Roots, line: str, code: str) -> None:
    admin = world.connect("bob")
    assert admin.tagged(line).startswith(f"NO [{code}] ")
    assert roots.said == []


def test_an_administrator_who_may_only_read_is_none(world: World, roots: Roots) -> None:
    world.bob.read_only = True
    admin = world.connect("bob")
    assert "QUOTASET" not in admin.ok("CAPABILITY")[0].split()
    assert admin.tagged(f"SETQUOTA {ALICE} ()").startswith("NO [NOPERM]")
    assert roots.said == []


def test_others_are_no_administrators(world: World, roots: Roots) -> None:
    client = world.connect("alice")
    assert client.tagged(f"GETQUOTA {BOB}").startswith("NO [NONEXISTENT]")
    assert client.tagged(f"SETQUOTA {ALICE} ()").startswith("NO [NOPERM]")

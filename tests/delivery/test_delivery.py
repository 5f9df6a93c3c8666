from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest
from zope.interface import implementer

from mailhub.config.options import DeliveryConfig
from mailhub.delivery.delivery import Delivery
from mailhub.delivery.trace import trace_lines
from mailhub.interfaces import Envelope, IDeliveryFilter, IStaged, Outcome, Placement
from mailhub.model.errors import (
    FullForNow,
    LimitReached,
    NoSuchAccount,
    NoSuchRecipient,
    OverQuota,
    Refusal,
    Unavailable,
)
from mailhub.model.mail import AccountId, Client, MailboxStatus, Recipient
from mailhub.model.names import INBOX, MailboxName
from mailhub.model.quota import FolderRule, Quota
from tests.address_book import MemoryAddressBook
from tests.harness import message, run
from tests.memory_store import MemoryAccount, MemoryStaged, MemoryStore

CLIENT = Client("c1", "lmtp", "127.0.0.1", 4711)
LISTS = MailboxName("Lists")


class World:
    def __init__(
        self, filters: Sequence[IDeliveryFilter] = (), config: DeliveryConfig | None = None
    ) -> None:
        self.store = MemoryStore()
        self.book = MemoryAddressBook()
        self.alice = self.add("alice@example.org")
        self.bob = self.add("bob@example.org")
        self.delivery = Delivery(
            self.book, self.store, filters, config, "mail.example.org", lambda: 0.0
        )

    def add(self, address: str) -> MemoryAccount:
        account = self.store.add_account(address)
        self.book.accounts[address] = account.id
        return account

    def deliver(self, *recipients: Recipient, smtputf8: bool = False) -> list[Outcome]:
        staged = MemoryStaged(message())
        envelope = Envelope("ann@example.com", CLIENT, "client.example", smtputf8)
        outcomes = run(self.delivery.deliver(envelope, staged, recipients))
        assert not staged.released, "whoever staged a message releases it"
        return outcomes

    def to(self, address: str) -> Recipient:
        return run(self.delivery.resolve(address))


@implementer(IDeliveryFilter)
class Into:
    """A filter that files into a folder, with a flag."""

    def __init__(self, mailbox: MailboxName) -> None:
        self.mailbox = mailbox

    async def place(
        self, envelope: Envelope, staged: IStaged, recipient: Recipient, placement: Placement
    ) -> Placement:
        return Placement(self.mailbox, placement.flags | {"\\Flagged"})


@implementer(IDeliveryFilter)
class Raising:
    def __init__(self, problem: Exception) -> None:
        self.problem = problem

    async def place(
        self, envelope: Envelope, staged: IStaged, recipient: Recipient, placement: Placement
    ) -> Placement:
        if recipient.address.startswith("alice"):
            raise self.problem
        return placement


def count(account: MemoryAccount, name: MailboxName = INBOX) -> int:
    return len(account.boxes[name].messages)


def test_nobody_is_nobody() -> None:
    with pytest.raises(NoSuchRecipient):
        World().to("nobody@example.org")


def test_a_message_for_two_is_filed_for_both_with_their_own_trace() -> None:
    world = World()

    outcomes = world.deliver(world.to("alice@example.org"), world.to("bob@example.org"))

    assert [(o.refusal, o.mailbox) for o in outcomes] == [(None, INBOX), (None, INBOX)]
    for account in (world.alice, world.bob):
        (filed,) = account.boxes[INBOX].messages.values()
        assert (
            filed.data
            == (
                b"Return-Path: <ann@example.com>\r\n"
                b"Delivered-To: " + account.address.encode() + b"\r\n"
                b"Received: from client.example ([127.0.0.1])\r\n"
                b"\tby mail.example.org (mailhub)\r\n"
                b"\twith LMTP id c1;\r\n"
                b"\tThu, 01 Jan 1970 00:00:00 +0000\r\n"
            )
            + message()
        )


def test_two_names_of_one_recipient_get_one_copy_and_two_outcomes() -> None:
    world = World()
    world.book.aliases["sales@example.org"] = "alice@example.org"

    outcomes = world.deliver(world.to("alice@example.org"), world.to("sales@example.org"))

    assert [o.refusal for o in outcomes] == [None, None]
    assert count(world.alice) == 1


@pytest.mark.parametrize("detail", ["Lists", "lists", "LISTS"])
def test_detail_goes_into_the_folder_of_that_name(detail: str) -> None:
    world = World()
    run(world.alice.create(LISTS))

    (outcome,) = world.deliver(world.to(f"alice+{detail}@example.org"))

    assert outcome.mailbox == LISTS
    assert count(world.alice, LISTS) == 1


@pytest.mark.parametrize("detail", ["nothing", "inbox", "a//b", "/", "x" * 2000, "a/b"])
def test_detail_without_a_folder_goes_into_inbox(detail: str) -> None:
    world = World()

    (outcome,) = world.deliver(world.to(f"alice+{detail}@example.org"))

    assert outcome.mailbox == INBOX


def test_a_detail_that_could_mean_two_folders_goes_into_inbox() -> None:
    world = World()
    run(world.alice.create(LISTS))
    run(world.alice.create(MailboxName("LISTS")))

    (outcome,) = world.deliver(world.to("alice+lists@example.org"))

    assert outcome.mailbox == INBOX


@pytest.mark.parametrize("over_quota", ["reject", "defer"])
def test_senders_learn_that_there_is_no_room_and_no_numbers(
    over_quota: Literal["reject", "defer"],
) -> None:
    world = World(config=DeliveryConfig(over_quota=over_quota))
    world.alice.limits = Quota(octets=10)
    told = OverQuota if over_quota == "reject" else FullForNow
    with pytest.raises(told, match="^The mailbox has no room for the message$"):
        run(world.delivery.resolve("alice@example.org", 100))
    (outcome,) = world.deliver(world.to("alice@example.org"))
    assert type(outcome.refusal) is told
    assert str(outcome.refusal) == "The mailbox has no room for the message"


def test_the_folder_of_a_detail_is_looked_at_when_the_size_is_known() -> None:
    world = World()
    run(world.alice.create(LISTS))
    world.alice.limits = Quota(octets=1000, folders=(FolderRule("Lists", ignore=True),))
    run(world.delivery.resolve("alice+lists@example.org", 5000))
    for address in ("alice@example.org", "alice+nothing@example.org"):
        with pytest.raises(OverQuota):
            run(world.delivery.resolve(address, 5000))
    world.alice.limits = Quota(octets=1000)
    with pytest.raises(OverQuota):
        run(world.delivery.resolve("alice+lists@example.org", 5000))


def test_a_folder_that_is_still_to_be_made_is_looked_at_when_it_is() -> None:
    world = World(config=DeliveryConfig(create_detail_folder=True))
    world.alice.limits = Quota(octets=10, folders=(FolderRule("new", ignore=True),))
    new = run(world.delivery.resolve("alice+new@example.org", 5000))
    assert list(world.alice.boxes) == [INBOX]
    (outcome,) = world.deliver(new)
    assert outcome.mailbox == MailboxName("new")
    (outcome,) = world.deliver(world.to("alice+other@example.org"))
    assert isinstance(outcome.refusal, OverQuota)


def test_a_detail_folder_is_made_and_subscribed_when_so_configured() -> None:
    world = World(config=DeliveryConfig(create_detail_folder=True))

    world.deliver(world.to("alice+new@example.org"))
    (outcome,) = world.deliver(world.to("alice+new@example.org"))

    new = MailboxName("new")
    assert outcome.mailbox == new
    assert count(world.alice, new) == 2
    assert new in world.alice.subscriptions


def test_a_detail_folder_that_cannot_be_made_is_done_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def create(self: MemoryAccount, name: MailboxName) -> None:
        raise LimitReached

    monkeypatch.setattr(MemoryAccount, "create", create)
    world = World(config=DeliveryConfig(create_detail_folder=True))

    (outcome,) = world.deliver(world.to("alice+new@example.org"))

    assert outcome.mailbox == INBOX


def test_two_messages_may_make_the_same_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(config=DeliveryConfig(create_detail_folder=True))
    original = MemoryAccount.create

    async def create(self: MemoryAccount, name: MailboxName) -> MailboxStatus:
        await original(self, name)
        return await original(self, name)

    monkeypatch.setattr(MemoryAccount, "create", create)

    (outcome,) = world.deliver(world.to("alice+new@example.org"))

    assert outcome.mailbox == MailboxName("new")


@pytest.mark.parametrize(
    ("client", "helo", "origin"),
    [
        (Client("c", "lmtp", "", 0), "", b"Received: by mail.example.org (mailhub)"),
        (Client("c", "lmtp", "", 0), "h", b"Received: from h\r\n\tby mail.example.org"),
        (Client("c", "lmtp", "::1", 1), "h", b"Received: from h ([IPv6:::1])\r\n\tby"),
        (Client("c", "lmtp", "192.0.2.1", 1), "h", b"Received: from h ([192.0.2.1])\r\n\tby"),
    ],
)
def test_received_tells_who_brought_it(client: Client, helo: str, origin: bytes) -> None:
    recipient = Recipient(AccountId("a"), "alice@example.org")

    assert origin in trace_lines(Envelope("", client, helo), recipient, "mail.example.org", 0)


def test_filters_decide_on_folder_and_flags() -> None:
    world = World([Into(MailboxName("Elsewhere")), Into(LISTS)])
    run(world.alice.create(LISTS))

    (outcome,) = world.deliver(world.to("alice@example.org"))

    assert outcome.mailbox == LISTS
    (filed,) = world.alice.boxes[LISTS].messages.values()
    assert filed.flags


def test_what_a_filter_wants_in_a_missing_folder_is_filed_in_inbox() -> None:
    world = World([Into(LISTS)])

    (outcome,) = world.deliver(world.to("alice@example.org"))

    assert outcome.mailbox == INBOX


def test_one_recipients_trouble_is_not_the_others() -> None:
    world = World([Raising(Refusal("No thanks"))])

    alice, bob = world.deliver(world.to("alice@example.org"), world.to("bob@example.org"))

    assert str(alice.refusal) == "No thanks"
    assert bob.refusal is None
    assert (count(world.alice), count(world.bob)) == (0, 1)


def test_a_broken_filter_is_temporary_trouble_that_tells_nothing() -> None:
    world = World([Raising(ZeroDivisionError("secret"))])

    (outcome,) = world.deliver(world.to("alice@example.org"))

    assert isinstance(outcome.refusal, Unavailable)
    assert "secret" not in str(outcome.refusal)


def test_an_account_that_went_away_is_no_such_account() -> None:
    (outcome,) = World().deliver(Recipient(AccountId("gone"), "gone@example.org"))

    assert isinstance(outcome.refusal, NoSuchAccount)


def test_no_header_can_be_smuggled_through_the_envelope() -> None:
    world = World()
    staged = MemoryStaged(b"x\r\n")
    evil = Envelope("a\r\nBcc: x@y", CLIENT, "h\nSubject: z")
    recipient = Recipient(world.alice.id, "alice@example.org\r\nX: y")

    run(world.delivery.deliver(evil, staged, [recipient]))

    (filed,) = world.alice.boxes[INBOX].messages.values()
    names = [line.split(b":")[0] for line in filed.data.split(b"\r\n") if line[:1] not in b"\t"]
    assert names == [b"Return-Path", b"Delivered-To", b"Received", b"x"]

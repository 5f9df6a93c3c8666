"""An LMTP server over an in-memory store, and a client to talk to it."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.task import Clock

from mailhub.config.options import DeliveryConfig, Limits, LmtpConfig
from mailhub.delivery.delivery import Delivery
from mailhub.interfaces import IDeliveryFilter
from mailhub.lmtp.factory import LMTPFactory
from mailhub.model.names import INBOX, MailboxName
from mailhub.net.host import Host
from tests.address_book import MemoryAddressBook
from tests.memory_store import MemoryStore
from tests.net.world import contexts
from tests.peer import Peer


class LmtpWorld:
    """alice and bob of example.org, and what it takes to bring them mail."""

    def __init__(
        self,
        *,
        config: LmtpConfig | None = None,
        limits: Limits | None = None,
        delivery_config: DeliveryConfig | None = None,
        filters: Sequence[IDeliveryFilter] = (),
        tls: bool = False,
    ) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.store = MemoryStore(self.clock.seconds)
        self.book = MemoryAddressBook()
        for name in ("alice", "bob"):
            account = self.store.add_account(f"{name}@example.org")
            self.book.accounts[account.address] = account.id
        self.host = Host(
            self.clock, hostname="mail.example.org", limits=limits, tls=contexts() if tls else None
        )
        self.delivery = Delivery(
            self.book,
            self.store,
            filters,
            delivery_config,
            "mail.example.org",
            self.clock.seconds,
            self.host.metrics,
        )
        self.factory = LMTPFactory(self.delivery, config, self.host)

    def connect(self) -> Peer:
        """A client that has just connected; the greeting is still to be read."""
        return Peer(self.factory.buildProtocol(None))

    def client(self) -> Peer:
        """A client that has said LHLO."""
        peer = self.connect()
        assert peer.say("LHLO client.example")[-1].startswith("250 ")
        return peer

    def mail(self, name: str = "alice", mailbox: MailboxName = INBOX) -> list[bytes]:
        """The messages in a mailbox of alice or bob."""
        account = next(a for a in self.store.accounts.values() if a.address.startswith(name))
        return [m.data for m in account.boxes[mailbox].messages.values()]

    def bodies(self, name: str = "alice", mailbox: MailboxName = INBOX) -> list[bytes]:
        """The same without the trace lines of delivery."""
        return [without_trace(data) for data in self.mail(name, mailbox)]


def without_trace(message: bytes) -> bytes:
    """*message* as it was sent: without Return-Path, Delivered-To and Received."""
    lines = message.split(b"\r\n")
    assert lines[0].startswith(b"Return-Path: ")
    assert lines[1].startswith(b"Delivered-To: ")
    assert lines[2].startswith(b"Received: ")
    end = 3
    while lines[end].startswith(b"\t"):
        end += 1
    return b"\r\n".join(lines[end:])

"""A POP3 server over an in-memory store, and a client to talk to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet.task import Clock
from zope.interface import implementer

from mailhub.config.options import AuthConfig, Limits, Pop3Config
from mailhub.interfaces import IAccount, Incoming
from mailhub.model.names import INBOX
from mailhub.net.host import Host
from mailhub.pop3.factory import POP3Factory
from tests.harness import run
from tests.memory_store import MemoryAccount, MemoryStaged, MemoryStore
from tests.net.world import contexts
from tests.peer import Peer


@implementer(IRealm)
class Realm:
    """Avatars are the accounts of the name that logged in; counts who is in."""

    def __init__(self, accounts: dict[str, MemoryAccount]) -> None:
        self.accounts = accounts
        self.inside = 0

    def requestAvatar(
        self,
        avatarId: bytes | tuple[()],  # noqa: N803
        mind: object,
        *interfaces: object,
    ) -> tuple[Any, IAccount, Callable[[], None]]:
        assert isinstance(avatarId, bytes)
        self.inside += 1
        return IAccount, self.accounts[avatarId.decode()], self._leave

    def _leave(self) -> None:
        self.inside -= 1


class Pop3World:
    """alice, whose password is ``open sesame``."""

    def __init__(
        self,
        *,
        config: Pop3Config | None = None,
        limits: Limits | None = None,
        plaintext: bool = True,
        tls: bool = False,
    ) -> None:
        self.clock = Clock()
        self.store = MemoryStore(self.clock.seconds)
        self.alice = self.store.add_account("alice@example.org")
        self.realm = Realm({"alice": self.alice})
        checker = InMemoryUsernamePasswordDatabaseDontUse()
        checker.addUser(b"alice", b"open sesame")
        self.host = Host(
            self.clock, hostname="mail.example.org", limits=limits, tls=contexts() if tls else None
        )
        self.factory = POP3Factory(
            Portal(self.realm, [checker]),
            config,
            self.host,
            AuthConfig(plaintext="always" if plaintext else "tls", failure_delay=0),
        )

    def add(self, *messages: bytes) -> None:
        """File *messages* in alice's INBOX."""
        for data in messages:
            run(self.alice.append(INBOX, [Incoming(MemoryStaged(data))]))

    def inbox(self) -> list[bytes]:
        return [m.data for m in self.alice.boxes[INBOX].messages.values()]

    def connect(self) -> Peer:
        """A client that has just connected; the greeting is still to be read."""
        return Peer(self.factory.buildProtocol(None))

    def client(self) -> Peer:
        """A client that has logged in."""
        peer = self.connect()
        answers = peer.say("USER alice", "PASS open sesame")
        assert answers[-1].startswith("+OK alice@example.org has"), answers
        return peer


def unstuffed(response: bytes) -> bytes:
    """The message in a multi-line response, as a strict client reads it."""
    status, _, rest = response.partition(b"\r\n")
    assert status.startswith(b"+OK"), status
    assert (b"\r\n" + rest).endswith(b"\r\n.\r\n")
    lines = rest[:-3].split(b"\r\n")
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)

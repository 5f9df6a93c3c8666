"""An IMAP client at the real protocol, over the in-memory store, without a reactor.

Golden conversations are in ``transcripts/``; see :func:`blocks` for how they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from mailhub.config.options import AuthConfig, ImapConfig, Limits
from mailhub.imap.factory import IMAP4Factory
from mailhub.imap.protocol import ImapProtocol
from mailhub.interfaces import IAccount, Incoming
from mailhub.model.mail import InternalDate
from mailhub.model.names import INBOX, mailbox_name
from mailhub.net.host import Host
from mailhub.net.link import Entry
from tests.harness import message, run
from tests.imap.response_grammar import Responses
from tests.memory_store import MemoryAccount, MemoryStaged, MemoryStore
from tests.net.world import Socket, TlsClient, contexts

PASSWORD = "secret"
TRANSCRIPTS = Path(__file__).parent / "transcripts"


@implementer(IRealm)
class Realm:
    def __init__(self, accounts: dict[str, MemoryAccount]) -> None:
        self._accounts = accounts
        self.logged_out = 0

    def requestAvatar(
        self,
        avatarId: bytes | tuple[()],  # noqa: N803 - Twisted's name
        mind: object,
        *interfaces: object,
    ) -> Any:
        assert IAccount in interfaces
        assert isinstance(avatarId, bytes)
        return IAccount, self._accounts[avatarId.decode()], self._log_out

    def _log_out(self) -> None:
        self.logged_out += 1


class World:
    """A server with the accounts alice and bob; options are those of Limits and ImapConfig."""

    def __init__(
        self,
        *,
        tls: bool = False,
        plaintext: str = "always",
        limits: Limits | None = None,
        **imap: Any,
    ) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.store = MemoryStore(self.clock.seconds)
        self.alice = self.store.add_account("alice@example.org")
        self.bob = self.store.add_account("bob@example.org")
        self.realm = Realm({"alice": self.alice, "bob": self.bob})
        checker = InMemoryUsernamePasswordDatabaseDontUse(
            alice=PASSWORD.encode(), bob=PASSWORD.encode()
        )
        self.host = Host(
            self.clock,
            hostname="mail.example.org",
            limits=limits,
            tls=contexts() if tls else None,
        )
        assert plaintext in ("always", "tls", "loopback")
        self.factory = IMAP4Factory(
            Portal(self.realm, [checker]),
            ImapConfig(**imap),
            self.host,
            AuthConfig(plaintext=plaintext),  # type: ignore[arg-type]
        )

    def connect(self, user: str = "", *, entry: Entry | None = None) -> ImapClient:
        """A client that has read the greeting; logged in as *user*."""
        client = ImapClient(self, entry)
        client.greeting = client.lines()
        if user:
            assert client.send(f"l LOGIN {user} {PASSWORD}")[-1].startswith("l OK")
        return client

    def deliver(
        self,
        mailbox: str = INBOX,
        data: bytes | None = None,
        flags: tuple[str, ...] = (),
        date: int | None = None,
    ) -> int:
        """File a message for alice; returns its UID."""
        staged = MemoryStaged(message() if data is None else data)
        received = None if date is None else InternalDate(date)
        name = mailbox_name(mailbox)
        appended = run(self.alice.append(name, [Incoming(staged, frozenset(flags), received)]))
        return appended.uids.lowest

    def settle(self) -> None:
        """Let everything happen that needs no time to pass."""
        for _ in range(1_000):
            due = [call for call in self.clock.getDelayedCalls() if self._is_due(call)]
            if not due:
                return
            self.clock.advance(0)
        raise AssertionError("it never comes to rest")

    def _is_due(self, call: Any) -> bool:
        return bool(call.getTime() <= self.clock.seconds())


class ImapClient:
    """One connection; ``closed`` when the server has ended it."""

    def __init__(self, world: World, entry: Entry | None = None) -> None:
        self.world = world
        self.protocol: ImapProtocol = world.factory.buildProtocol(None)
        if entry is not None:
            self.protocol.entry = entry
        self.socket = Socket("127.0.0.1")
        self.greeting: list[str] = []
        self.responses = Responses()
        self._tls: TlsClient | None = None
        Protocol.makeConnection(self.protocol, self.socket)

    @property
    def closed(self) -> bool:
        return self.protocol.closing

    # --- talking

    def send(self, *lines: str) -> list[str]:
        """Send *lines* in one piece; the lines that are answered."""
        return self.send_octets("".join(f"{line}\r\n" for line in lines).encode())

    def send_octets(self, data: bytes) -> list[str]:
        if self._tls is None:
            self.protocol.dataReceived(data)
        else:
            self._tls.send(data)
        return self.lines()

    def read(self) -> bytes:
        """What the server has sent since the last look."""
        self.world.settle()
        if self._tls is not None:
            data = self._tls.read()
        else:
            data = self.socket.value()
            self.socket.clear()
        self.responses.feed(data)
        return data

    def lines(self) -> list[str]:
        text = self.read().decode("utf-8", "surrogateescape")
        assert not text or text.endswith("\r\n"), text
        return text.split("\r\n")[:-1]

    def wait(self, seconds: float) -> list[str]:
        """What the server says of itself in so long."""
        self.world.clock.advance(seconds)
        return self.lines()

    def start_tls(self) -> None:
        """The client's side of TLS, after STARTTLS."""
        self._tls = TlsClient(self.protocol, self.socket)

    def vanish(self) -> None:
        """Lose the connection, whatever the server is doing."""
        self.protocol.connectionLost(Failure(ConnectionDone()))

    # --- shortcuts

    def ok(self, line: str) -> list[str]:
        """Send a command and expect OK; the untagged lines."""
        answer = self.send(f"t {line}")
        assert answer[-1].startswith("t OK"), answer
        return answer[:-1]

    def select(self, mailbox: str = "INBOX") -> list[str]:
        return self.ok(f"SELECT {mailbox}")

    def tagged(self, line: str) -> str:
        """Send a command; its tagged reply without the tag."""
        return self.send(f"t {line}")[-1].removeprefix("t ")


# --- transcripts ------------------------------------------------------------------------------


@dataclass
class Block:
    """One conversation of a transcript."""

    title: str
    options: dict[str, str] = field(default_factory=dict)
    steps: list[tuple[int, str, int, str]] = field(default_factory=list)
    """(line number, ``C`` or ``S`` or ``!``, which client, text)"""


_STEP = re.compile(r"([CS!])(\d?): ?(.*)\Z")
_HOLE = re.compile(r"\{([a-z_]+)\}")


def blocks(family: str) -> Iterator[Block]:
    """The conversations of ``transcripts/<family>.txt``.

    ``== title [option=value ...]`` begins one, in a world of its own; options are ``fresh=1`` (the
    client is not logged in) and those of ImapConfig.  ``C:`` is sent with a CRLF, ``S:`` is the
    next line of the answer, ``C2:``/``S2:`` a second client of the same account, and
    ``!: deliver MAILBOX flags`` delivers a message, ``!: wait SECONDS`` lets time pass,
    ``!: select MAILBOX`` selects it without showing the answer.  A ``{name}`` stands for whatever
    is there first and for the same afterwards; in a ``C:`` line only a name that has been filled
    counts.  Everything that is answered must be there.
    """
    block: Block | None = None
    path = TRANSCRIPTS / f"{family}.txt"
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.startswith("== "):
            if block is not None:
                yield block
            title, _, options = line[3:].partition(" [")
            pairs = (pair.partition("=") for pair in options.rstrip("]").split())
            block = Block(title, {name: value for name, _, value in pairs})
        elif line and not line.startswith("#"):
            step = _STEP.match(line)
            assert step, f"{path.name}:{number}: {line}"
            assert block, f"{path.name}:{number}: no title yet"
            block.steps.append((number, step[1], int(step[2] or 1), step[3]))
    if block is not None:
        yield block


def play(block: Block) -> None:
    """Hold the conversation; AssertionError where the server says something else."""
    options: dict[str, Any] = {name: int(value) for name, value in block.options.items()}
    fresh = options.pop("fresh", 0)
    world = World(**options)
    clients: dict[int, ImapClient] = {}
    waiting: dict[int, list[str]] = {}
    filled: dict[str, str] = {}

    def client(which: int) -> ImapClient:
        if which not in clients:
            clients[which] = world.connect("" if fresh else "alice")
            waiting[which] = []
        return clients[which]

    def hear() -> None:
        for which, each in clients.items():
            waiting[which] += each.lines()

    for number, kind, which, text in block.steps:
        each = client(which)
        if kind == "C":
            assert not waiting[which], f"line {number}: not expected: {waiting[which]}"
            said = _HOLE.sub(lambda hole: filled.get(hole[1], hole[0]), text)
            waiting[which] += each.send(said)
            hear()
        elif kind == "!" and text.startswith("select "):
            each.select(text.removeprefix("select "))
        elif kind == "!":
            _act(world, text)
            hear()
        else:
            assert waiting[which], f"line {number}: nothing more is answered, not {text!r}"
            _compare(number, text, waiting[which].pop(0), filled)
    assert not any(waiting.values()), f"at the end, not expected: {waiting}"


def _act(world: World, text: str) -> None:
    verb, _, rest = text.partition(" ")
    if verb == "deliver":
        mailbox, *flags = rest.split()
        world.deliver(mailbox, flags=tuple(flags))
    else:
        assert verb == "wait", text
        world.clock.advance(float(rest))


def _compare(number: int, expected: str, line: str, filled: dict[str, str]) -> None:
    pattern, position, names = "", 0, set[str]()
    for hole in _HOLE.finditer(expected):
        pattern += re.escape(expected[position : hole.start()])
        name = hole[1]
        if name in filled:
            pattern += re.escape(filled[name])
        else:
            pattern += f"(?P={name})" if name in names else f"(?P<{name}>.+?)"
            names.add(name)
        position = hole.end()
    match = re.fullmatch(pattern + re.escape(expected[position:]), line)
    assert match, f"line {number}:\n  expected {expected}\n  answered {line}"
    filled.update(match.groupdict())

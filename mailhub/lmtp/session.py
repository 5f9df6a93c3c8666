"""What one LMTP connection knows, and the dispatch of its commands.

A session reads events one after the other and answers each before it looks at the next, so
pipelining (RFC 2920) needs no care anywhere else: a QUIT sent behind the final dot is answered
after the recipients' replies.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from mailhub import log
from mailhub.config.options import LmtpConfig
from mailhub.interfaces import IDelivery
from mailhub.lmtp.commands import COMMANDS
from mailhub.lmtp.errors import reply_for
from mailhub.lmtp.transaction import TooMuch, Transaction
from mailhub.lmtp.wire import BadLine, Event, Framer, Line, Refused, Reply, parse_command, reply
from mailhub.model.errors import Refusal
from mailhub.model.mail import Client
from mailhub.net.host import Host

OTHER_PROTOCOLS = ("GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT")
"""A browser was sent to talk to us: what follows in its request must not be executed."""


class Channel(Protocol):
    """What a session asks of its connection."""

    host: Host
    framer: Framer

    @property
    def client(self) -> Client: ...
    @property
    def tls_offered(self) -> bool: ...
    def send(self, reply: Reply) -> None: ...
    def note(self, received: str) -> None: ...
    def next_event(self) -> Awaitable[Event]: ...
    def ready(self) -> Awaitable[None]: ...
    def start_tls(self) -> None: ...
    def close(self) -> None: ...


class Session:
    """One dialogue; ``run`` it until the connection ends."""

    def __init__(self, channel: Channel, delivery: IDelivery, config: LmtpConfig) -> None:
        self.channel = channel
        self.delivery = delivery
        self.config = config
        self.limits = channel.host.limits
        self.helo = ""
        """LHLO's argument; empty: not said yet."""
        self.transaction: Transaction | None = None
        self.ended = False
        self._bad_commands = 0

    async def run(self) -> None:
        """Answer commands until QUIT, too many mistakes, or the end of the connection."""
        try:
            while not self.ended:
                await self._answer(await self.channel.next_event())
                await self.channel.ready()
        except TooMuch:
            self.say(421, "4.3.4", "Too much of a message that is too large, closing connection")
        finally:
            self.reset()
        self.channel.close()

    def send(self, reply: Reply) -> None:
        self.channel.send(reply)

    def say(self, code: int, status: str, text: str) -> None:
        self.send(reply(code, status, text))

    def reset(self) -> None:
        """End the transaction, whatever its state (5321 4.1.1.5)."""
        if self.transaction is not None:
            self.transaction.discard()
            self.transaction = None

    def forget(self) -> None:
        """After STARTTLS nothing counts that was said before (3207 4.2)."""
        self.reset()
        self.helo = ""

    # --- one command

    async def _answer(self, event: Event) -> None:
        assert isinstance(event, Line | BadLine)  # handlers read messages up to their end
        seconds = self.channel.host.reactor.seconds
        began, name = seconds(), "other"
        try:
            if isinstance(event, BadLine):
                raise Refused(500, "5.5.2", event.problem)
            verb, argument = parse_command(event.data)
            if verb in OTHER_PROTOCOLS:
                self.ended = True
            if verb not in COMMANDS:
                raise Refused(500, "5.5.2", "Unknown command")
            name = verb
            self.channel.note(f"{verb} {argument}")
            outcome = await self._handle(name, argument)
        except Refused as refused:
            outcome = "bad"
            self.send(refused.reply)
            if refused.is_mistake:
                self._count_bad()
        self.channel.host.metrics.command("lmtp", name, outcome, seconds() - began)

    async def _handle(self, name: str, argument: str) -> str:
        """Run the handler; how it ended, for the metrics.  Refused goes through."""
        try:
            await COMMANDS[name](self, argument)
        except Refusal as refusal:
            self.record(refusal, command=name)
            self.send(reply_for(refusal))
            return "refused"
        except (Refused, TooMuch, CancelledError):
            raise
        except Exception:
            self._fail(name)
            return "failed"
        self._bad_commands = 0
        return "ok"

    def record(self, refusal: Refusal, **about: object) -> None:
        """Write the event of a refusal, once, and give it the id that the client is shown."""
        if refusal.reason_id:
            return
        refusal.reason_id = log.new_reason_id()
        client = self.channel.client
        log.event(
            "recipient.refused" if "recipient" in about else "command.refused",
            conn=client.connection,
            protocol="lmtp",
            peer=client.address or "unix",
            reason=str(refusal),
            detail=refusal.detail,
            reason_id=refusal.reason_id,
            outcome=type(refusal).__name__,
            level="info",
            **about,
        )

    def _fail(self, name: str) -> None:
        """Who knows where in a message the client is now: 421 keeps it in the client's queue."""
        reason_id = log.new_reason_id()
        log.failure(
            "command.failed",
            Failure(),
            conn=self.channel.client.connection,
            protocol="lmtp",
            command=name,
            reason_id=reason_id,
        )
        self.say(421, "4.3.0", f"Internal error ({reason_id}), closing connection")
        self.ended = True

    def _count_bad(self) -> None:
        self._bad_commands += 1
        if self._bad_commands >= self.config.max_bad_commands and not self.ended:
            log.event("bad.commands", level="warn", conn=self.channel.client.connection)
            self.say(421, "4.7.0", "Too many bad commands, closing connection")
            self.ended = True

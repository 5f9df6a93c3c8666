"""One IMAP connection: greets, feeds the framer, runs commands in their order, says goodbye.

Commands are answered strictly one after the other, also when pipelined; so none of the
ambiguities of RFC 9051 5.5 can arise.
"""

from __future__ import annotations

from twisted.python.failure import Failure

from mailhub.config.options import ImapConfig
from mailhub.imap import registry
from mailhub.imap.dispatch import Dispatcher, is_message
from mailhub.imap.input import Input, MessageInput, Unintelligible
from mailhub.imap.session import Session
from mailhub.imap.wire.events import CommandRefused, MessageAnnounced
from mailhub.imap.wire.framing import Framer, FramingLimits
from mailhub.imap.wire.writer import Code, Text
from mailhub.interfaces_quota import IQuotaRoots
from mailhub.net.connection import Connection
from mailhub.net.host import Host
from mailhub.net.login import LogIn

SKIPPED_MESSAGES = 4
"""A refused message is read and dropped if it is at most so many times ``max_message`` long."""


class ImapProtocol(Connection):
    """A connection; all that a handler may see of it is its :class:`Session`."""

    def __init__(
        self,
        host: Host,
        log_in: LogIn,
        config: ImapConfig,
        quota_roots: IQuotaRoots | None = None,
    ) -> None:
        super().__init__(host, "imap")
        limits = FramingLimits(
            max_line=config.max_line,
            max_literal=config.max_literal,
            max_command=config.max_command,
            max_skipped=SKIPPED_MESSAGES * host.limits.max_message,
        )
        self._framer = Framer(limits, is_message)
        self._input = Input(
            self._framer,
            hold=self.hold,
            resume=self.resume,
            answer=lambda text: self.session.continuation(text),
        )
        self.session = Session(self, self._input, log_in, config, quota_roots)
        self._dispatcher = Dispatcher(self.session)

    # --- called by the connection

    def greet(self) -> None:
        code = Code("CAPABILITY", registry.rendered_capabilities(self.session))  # 9051 7.1
        self.session.untagged("OK", code, Text(f"{self.host.hostname} mailhub is ready"))
        self.spawn(self._serve())

    def received(self, data: bytes) -> None:
        self._input.received(data)

    def answering(self) -> bool:
        return not self._input.waiting

    def disconnected(self, reason: Failure) -> None:
        self.session.end()

    def timed_out(self) -> None:
        self.session.bye("You took too long")

    def refused(self, reason: str) -> None:
        self.session.bye(reason, "UNAVAILABLE")

    def ended(self, text: str) -> None:
        self.session.bye(text, "UNAVAILABLE")

    def crashed(self) -> None:
        self.session.bye("Internal error", "SERVERBUG")

    # --- serving

    async def _serve(self) -> None:
        try:
            while not self.closing:
                await self._next_command()
                await self.ready()
        except Unintelligible as problem:
            self.recorder.received(b"(unintelligible)")
            self.session.bye(str(problem))

    async def _next_command(self) -> None:
        event = await self._input.command()
        if isinstance(event, CommandRefused):
            self._dispatcher.refuse(event.command, event.reason)
        elif isinstance(event, MessageAnnounced):
            message = MessageInput(self._input, self._framer, event)
            await self._dispatcher.run(event.command, message)
        else:
            await self._dispatcher.run(event.command)

"""What one POP3 connection knows, and the dispatch of its commands.

A session answers one line before it looks at the next, so pipelining (RFC 2449 6.6) needs no care
anywhere else, and an AUTH dialogue reads its lines the same way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from mailhub import log
from mailhub.config.options import Pop3Config
from mailhub.interfaces import LogInRefused
from mailhub.model.errors import Refusal
from mailhub.model.mail import Client
from mailhub.net.host import Host
from mailhub.net.login import LoggedIn, LogIn
from mailhub.net.traffic import Traffic
from mailhub.pop3.commands import AUTHORIZATION, SECRET, TRANSACTION, Handler
from mailhub.pop3.delay import LoginDelay
from mailhub.pop3.errors import is_reported, refusal
from mailhub.pop3.maildrop import Maildrop, snapshot
from mailhub.pop3.wire import Command, LineReader, SyntaxRefused, TooLong, err, ok, parse_command

OTHER_PROTOCOLS = ("GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "EHLO", "HELO")
"""Somebody is lost, or a browser was sent to talk to us: what follows must not be executed."""


class Channel(Protocol):
    """What a session asks of its connection."""

    host: Host
    lines: LineReader
    traffic: Traffic

    @property
    def client(self) -> Client: ...
    @property
    def tls_offered(self) -> bool: ...
    def channel_binding(self) -> Sequence[tuple[str, bytes]]: ...
    def send(self, line: bytes) -> None: ...
    def write(self, data: bytes) -> None: ...
    def note(self, received: bytes) -> None: ...
    def next_line(self) -> Awaitable[bytes | TooLong]: ...
    async def ready(self) -> None: ...
    def start_tls(self) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def event(self, name: str, *, level: log.Level = "info", **fields: object) -> None: ...


class Session:
    """One dialogue; ``run`` it until the connection ends."""

    def __init__(
        self, channel: Channel, log_in: LogIn, config: Pop3Config, delay: LoginDelay
    ) -> None:
        self.channel = channel
        self.log_in = log_in
        self.config = config
        self.user: bytes | None = None
        """USER's argument, until PASS."""
        self.utf8 = False
        self.maildrop: Maildrop | None = None
        self.ended = False
        self.answering = False
        """A multi-line response has begun: what fails now cannot be told any more."""
        self._delay = delay
        self._logged_in: LoggedIn | None = None
        self._unlock: Callable[[], None] = lambda: None
        self._bad_commands = 0

    async def run(self) -> None:
        """Answer commands until QUIT, too many mistakes, or the end of the connection."""
        try:
            while not self.ended:
                await self._answer(await self.channel.next_line())
                await self.channel.ready()
        finally:
            self.leave()
        self.channel.close()

    # --- replies

    def ok(self, text: str = "") -> None:
        self.channel.send(ok(text))

    def err(self, text: str, code: str = "") -> None:
        self.channel.send(err(text, code))

    # --- coming and going

    async def enter(self, logged_in: LoggedIn) -> Maildrop:
        """Open the maildrop of whoever has just proved who they are.

        Raises TooSoon, InUse, Unavailable, ...: the session is then as before the log-in.
        """
        self._logged_in = logged_in
        account = logged_in.account
        try:
            self._delay.check(account.id)
            self._unlock = await account.lock_maildrop()  # 1939 4: exclusive access
            self.maildrop = await snapshot(account, self.channel.ready)
        except BaseException:
            self.leave()
            raise
        self._delay.note(account.id)
        return self.maildrop

    def leave(self) -> None:
        """Give up the maildrop, deleting nothing."""
        self.maildrop = None
        unlock, self._unlock = self._unlock, lambda: None
        unlock()
        if self._logged_in is not None:
            logged_in, self._logged_in = self._logged_in, None
            logged_in.logout()

    # --- one command

    async def _answer(self, line: bytes | TooLong) -> None:
        seconds = self.channel.host.reactor.seconds
        began, name = seconds(), "other"
        try:
            command = _parse(line)
            handler = self._handler(command)
            name = command.name
            outcome = await self._handle(handler, command)
        except SyntaxRefused as refused:
            outcome = "bad"
            self.err(str(refused))
        if outcome in ("bad", "denied"):
            self._count_bad()
        elif self.maildrop is not None:  # before log-in a USER between does not forgive a PASS
            self._bad_commands = 0
        self.channel.host.metrics.command("pop3", name, outcome, seconds() - began)

    def _handler(self, command: Command) -> Handler:
        """The handler that serves *command* in this state, or SyntaxRefused."""
        name = command.name
        known = name in AUTHORIZATION or name in TRANSACTION
        secret = name in SECRET or not known  # a password typed into the wrong line
        self.channel.note(name.encode() + b" ..." if secret else command.line())
        if name in OTHER_PROTOCOLS:
            self.ended = True
        if not known:
            raise SyntaxRefused("Unknown command")
        table = AUTHORIZATION if self.maildrop is None else TRANSACTION
        if name not in table:
            raise SyntaxRefused("Log in first" if self.maildrop is None else "You are logged in")
        return table[name]

    async def _handle(self, handler: Handler, command: Command) -> str:
        """Run the handler; how it ended, for the metrics.  SyntaxRefused goes through."""
        self.answering = False
        try:
            await handler(self, command.argument)
        except (Refusal, LogInRefused) as problem:
            if self.answering:
                self._break_off(command.name)
                return "failed"
            if isinstance(problem, Refusal) and is_reported(problem):
                self._record(command.name, problem)
            self.err(*refusal(problem))
            return "denied" if isinstance(problem, LogInRefused) else "refused"
        except (SyntaxRefused, CancelledError):
            raise
        except Exception:
            self._break_off(command.name)
            return "failed"
        return "ok"

    def _record(self, name: str, problem: Refusal) -> None:
        problem.reason_id = problem.reason_id or log.new_reason_id()
        self.channel.event(
            "command.refused",
            command=name,
            reason=str(problem),
            detail=problem.detail,
            reason_id=problem.reason_id,
            outcome=type(problem).__name__,
        )

    def _break_off(self, name: str) -> None:
        """Tell the log; and the client, unless it would take that for part of a message.

        A response cut short without its final dot is no response: the client will ask again.
        """
        reason_id = log.new_reason_id()
        log.failure(
            "command.failed",
            Failure(),
            conn=self.channel.client.connection,
            protocol="pop3",
            command=name,
            reason_id=reason_id,
        )
        if self.answering:
            self.ended = True
            self.channel.abort()
        else:
            self.err(f"Internal error ({reason_id}), try again later", "SYS/TEMP")

    def _count_bad(self) -> None:
        self._bad_commands += 1
        if self._bad_commands >= self.config.max_bad_commands and not self.ended:
            self.channel.event("bad.commands", level="warn")
            self.err("Too many bad commands, closing connection")
            self.ended = True


def _parse(line: bytes | TooLong) -> Command:
    if isinstance(line, TooLong):
        raise SyntaxRefused("Line too long")
    return parse_command(line)

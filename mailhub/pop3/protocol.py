"""The POP3 connection: bytes to lines, replies to bytes."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from mailhub.config.options import Pop3Config
from mailhub.net.connection import Connection
from mailhub.net.host import Host
from mailhub.net.login import LogIn
from mailhub.pop3.delay import LoginDelay
from mailhub.pop3.session import Session
from mailhub.pop3.wire import LineReader, TooLong, err, ok


class Pop3Protocol(Connection):
    """One client."""

    def __init__(self, host: Host, log_in: LogIn, config: Pop3Config, delay: LoginDelay) -> None:
        super().__init__(host, "pop3")
        self.lines = LineReader()
        self._session = Session(self, log_in, config, delay)
        self._waiting: Deferred[None] | None = None

    # --- hooks of Connection

    def greet(self) -> None:
        self.set_timeout(self.host.limits.pop3_idle_timeout)
        self.send(ok(f"{self.host.hostname} POP3 mailhub ready"))
        self.spawn(self._session.run())

    def received(self, data: bytes) -> None:
        self.lines.feed(data)
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            self.hold()
        else:
            waiting.callback(None)

    def answering(self) -> bool:
        return self._waiting is None

    def timed_out(self) -> None:
        """1939 3: no response, and nothing is deleted."""

    def refused(self, reason: str) -> None:
        self.send(err(reason, "SYS/TEMP"))

    def ended(self, reason: str) -> None:
        """POP3 says nothing unasked."""

    def crashed(self) -> None:
        """A response may have begun, so nothing can be said."""

    # --- what the session asks for

    async def next_line(self) -> bytes | TooLong:
        while (line := self.lines.next()) is None:
            arrived: Deferred[None] = Deferred()
            self._waiting = arrived
            self.resume()
            await arrived
        return line

    def send(self, line: bytes) -> None:
        self.recorder.sent(line)
        self.write(line)

    def note(self, received: bytes) -> None:
        self.recorder.received(received)

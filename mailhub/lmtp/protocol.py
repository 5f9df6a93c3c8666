"""The LMTP connection: bytes to events, replies to bytes."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mailhub.config.options import LmtpConfig
from mailhub.interfaces import IDelivery
from mailhub.lmtp.session import Session
from mailhub.lmtp.wire import Event, Framer, Reply, reply
from mailhub.net.connection import Connection
from mailhub.net.host import Host


class LmtpProtocol(Connection):
    """One client, usually an MTA; nobody logs in."""

    needs_log_in = False

    def __init__(self, host: Host, delivery: IDelivery, config: LmtpConfig) -> None:
        super().__init__(host, "lmtp")
        self.framer = Framer()
        self._session = Session(self, delivery, config)
        self._waiting: Deferred[None] | None = None

    # --- hooks of Connection

    def greet(self) -> None:
        self.set_timeout(self.host.limits.lmtp_timeout)
        self.send(reply(220, "", f"{self.host.hostname} LMTP mailhub ready"))
        self.spawn(self._session.run())

    def received(self, data: bytes) -> None:
        self.framer.feed(data)
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            self.hold()
        else:
            waiting.callback(None)

    def answering(self) -> bool:
        return self._waiting is None

    def disconnected(self, reason: Failure) -> None:
        self._session.ended = True

    def timed_out(self) -> None:
        self.send(reply(421, "4.4.2", f"{self.host.hostname} timeout, closing connection"))

    def refused(self, reason: str) -> None:
        self.send(reply(421, "4.7.0", reason))

    def ended(self, reason: str) -> None:
        self.send(reply(421, "4.3.2", reason))

    def crashed(self) -> None:
        self.send(reply(421, "4.3.0", "Internal error, closing connection"))

    # --- what the session asks for

    async def next_event(self) -> Event:
        while (event := self.framer.next()) is None:
            arrived: Deferred[None] = Deferred()
            self._waiting = arrived
            self.resume()
            await arrived
        return event

    def send(self, reply: Reply) -> None:
        line = reply.encode()
        self.recorder.sent(line)
        self.write(line)

    def note(self, received: str) -> None:
        self.recorder.received(received.encode("utf-8", "replace"))

"""The life of a connection: how it comes in, is told about, and ends.

The upper half of what :mod:`mailhub.net.link` begins.  Protocols do not subclass this but
:class:`mailhub.net.connection.Connection`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import protocol
from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from mailhub import log
from mailhub.model.mail import Client
from mailhub.net.host import Host
from mailhub.net.inbox import Inbox
from mailhub.net.link import Entry, Link
from mailhub.net.output import Output
from mailhub.net.recorder import FlightRecorder
from mailhub.net.tasks import Tasks
from mailhub.net.timer import IdleTimer
from mailhub.net.traffic import Traffic

_LEFT = ("host", "client", "traffic", "closing")
"""What a connection that is gone still knows."""
_OVER = Tasks(before=lambda: False, after=lambda _: None, crashed=lambda _: None)
_OVER.cancel_all()


@implementer(IHalfCloseableProtocol)
class Hooks(protocol.Protocol):
    """What a protocol overrides, and what Twisted calls."""

    needs_log_in = True
    """Whether ``login_timeout`` applies."""

    _link: Link

    def greet(self) -> None:
        """The client is here: greet it."""

    def received(self, data: bytes) -> None:
        """The client has sent *data*."""

    def answering(self) -> bool:
        """Whether the protocol is busy with what it has received, and will ask for more after it.

        A client that sends no more is let go when it is not.
        """
        return False

    def disconnected(self, reason: Failure) -> None:
        """The connection is gone; its coroutines are cancelled next."""

    def timed_out(self) -> None:
        """Say goodbye: the client took too long.  The connection is closed after it."""

    def refused(self, reason: str) -> None:
        """Say *reason* (in place of a greeting); the connection is closed after it."""

    def ended(self, reason: str) -> None:
        """Say *reason* as a goodbye: the server stops, or the administrator ends the session."""

    def crashed(self) -> None:
        """Say goodbye after an internal error; the connection is closed after it."""

    def dataReceived(self, data: bytes) -> None:
        self._link.received(data)

    def readConnectionLost(self) -> None:
        self._link.input_ended()

    def writeConnectionLost(self) -> None:
        """We have closed our half ourselves."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._link.lost(reason)


class Lifecycle(Hooks):
    """One client, from the socket's opening to its loss."""

    entry = Entry()
    """How the listener lets clients in; set before the connection is made."""

    def __init__(self, host: Host, protocol_name: str) -> None:
        self.host = host
        clock, limits = host.reactor, host.limits
        self.client = Client(host.connections.new_id(), protocol_name, "", 0)
        self.recorder = FlightRecorder(clock.seconds, host.flight_recorder_octets)
        self.traffic = Traffic()
        self.since = clock.seconds()
        self.closing = False
        self._outcome = "client"
        self._link = Link(self)
        self._timer = IdleTimer(clock, expired=self._expired, quiet=self.recorder.shrink)
        self._output = Output(
            clock,
            host.agenda,
            limits.write_timeout,
            gave=self._gave,
            changed=self._output_changed,
            stuck=self._stuck,
        )
        self._inbox = Inbox(self.received, self._link.pause, self._link.resume, self._exhausted)
        self._tasks = Tasks(self._output.cork, self._output.uncork, self._crashed)
        self._hurry: IDelayedCall | None = None

    @property
    def active(self) -> float:
        """When something last came in or went out, by the reactor's clock."""
        return self._timer.touched

    def logged_in(self) -> None:
        """The client need not hurry any more.  Called by the connection table."""
        if self._hurry is not None and self._hurry.active():
            self._hurry.cancel()
        self._hurry = None

    # --- telling ---

    def event(self, name: str, *, level: log.Level = "info", **fields: object) -> None:
        """Write an event about this connection."""
        if not log.is_heard(level):
            return
        who = self.client
        about = {"conn": who.connection, "protocol": who.protocol, "peer": who.address or "unix"}
        if self.traffic.account:
            about["account"] = self.traffic.account
        log.event(name, level=level, **{**about, **fields})

    def dump(self, reason: str) -> None:
        """Write the flight record to the log."""
        self.event("session.dump", level="warn", reason=reason, dialogue=self.recorder.text())

    # --- the end ---

    def close(self, outcome: str = "server") -> None:
        """Send what has been written, then close; nothing more is read or written."""
        if not self.closing:
            self._shut(outcome)
            self._link.close()

    def end(self, reason: str) -> None:
        """Close for a *reason* that the client is told."""
        self._if_open(lambda: self.ended(reason))
        self.close("ended")

    def abort(self, outcome: str = "server") -> None:
        """Close at once, whatever is unsent."""
        if not self.closing:
            self._shut(outcome)
        self._link.abort()

    def _shut(self, outcome: str) -> None:
        self.closing = True
        self._outcome = outcome
        self._inbox.drop()
        self._output.disconnect()
        self._timer.stop()  # after the output, which touches it
        self.logged_in()

    # --- called by Twisted and by the link ---

    def connectionMade(self) -> None:
        seconds = self.host.limits.login_timeout
        self._hurry = self.host.reactor.callLater(seconds, self._expired)
        self._link.begin(self.transport)

    def admitted(self) -> str | None:
        return self.host.connections.admit(self)

    def entered(self, transport: Any, refusal: str | None) -> None:
        self._output.connect(transport)
        if refusal is not None:
            self.host.metrics.connection_refused(self.client.protocol, "limit")
            self.event("connection.refused", level="warn", reason=refusal)
            self._step(self.refused, refusal)
            self.close("refused")
            return
        if not self.needs_log_in:
            self.logged_in()
        self.host.metrics.connection_opened(self.client.protocol)
        self.event("connection.opened", level="debug")
        self._step(self.greet)

    def secured(self, transport: Any) -> None:
        self._output.connect(transport)

    def arrived(self, data: bytes) -> None:
        if not self.closing:
            self._timer.touch()
            self.traffic.octets_in += len(data)
            self._step(self._inbox.take, data)

    def heard_all(self) -> None:
        self._step(self._inbox.end)

    def gone(self, reason: Failure, was_in: bool) -> None:
        if not self.closing:
            self._shut("client")
        self._output.lost()
        if was_in:
            self._step(self.disconnected, reason)
            if self._outcome != "refused":
                self.host.metrics.connection_closed(self.client.protocol)
                seconds = self.host.reactor.seconds() - self.since
                outcome = self._outcome
                self.event("connection.closed", level="debug", seconds=seconds, outcome=outcome)
                if self.traffic.account:
                    told = self.traffic.fields()
                    self.event("session.closed", level="info", seconds=seconds, **told)
        self._tasks.cancel_all()
        self.host.connections.remove(self.client.connection)
        self.host.agenda.add(self._dissolve)

    # --- inside ---

    def _step(self, function: Callable[..., None], *args: object) -> None:
        outermost = self._output.cork()
        try:
            function(*args)
        except Exception:
            self._crashed(Failure())
        finally:
            self._output.uncork(outermost)

    def _if_open(self, function: Callable[[], None]) -> None:
        if not self.closing:
            self._step(function)

    def _gave(self, octets: int) -> None:
        self._timer.touch()
        self.traffic.octets_out += octets

    def _output_changed(self) -> None:
        # Whoever asks without reading the answers is not listened to meanwhile.
        if self._output.blocked:
            self._inbox.hold("output")
        else:
            self._step(self._inbox.release, "output")

    def _exhausted(self) -> None:
        """All that the client sent is answered, and it sends no more."""
        if not self.closing and not self.answering():
            self.close("client")

    def _expired(self) -> None:
        self.event("connection.timeout", reason="no log-in" if self._hurry else "idle")
        if self._link.is_in:
            self._if_open(self.timed_out)
            self.close("timeout")
        else:
            self.abort("timeout")

    def _stuck(self) -> None:
        self.event("connection.stuck", seconds=self.host.limits.write_timeout)
        self.abort("stuck")

    def _dissolve(self) -> None:
        """Part with everything that knows this connection, so that all of it is freed now.

        Left to the collector of cycles, the connections of a storm would go all in one moment.
        """
        left = {name: getattr(self, name) for name in _LEFT}
        vars(self).clear()
        vars(self).update(left, _tasks=_OVER)

    def _crashed(self, reason: Failure) -> None:
        who = self.client
        log.failure("connection.crashed", reason, conn=who.connection, protocol=who.protocol)
        self.host.metrics.crash(who.protocol)
        if self.closing:
            return
        self.dump("internal error")
        try:
            self.crashed()
        finally:
            self.close("crashed")

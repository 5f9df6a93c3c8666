"""Output of a connection: coalesced writes, fair slices, and clients that do not read.

Everything written during one step (one ``dataReceived``, one stretch of a coroutine between two
waits) goes to the transport as one write.  While the transport is full nothing more is given to
it, :meth:`Output.ready` waits, and a client that takes nothing for ``write_timeout`` is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

from mailhub.net.agenda import Agenda
from mailhub.net.transports import sent_now, unsent

FLUSH_OCTETS = 64 * 1024
"""What is worth a write of its own before the step has ended."""
SLICE_SECONDS = 0.003
"""For so long may one connection keep the reactor."""


def delay(clock: IReactorTime, seconds: float) -> Deferred[None]:
    """Fires after *seconds*; may be cancelled."""
    waiting: Deferred[None] = Deferred(lambda _: call.cancel())
    call = clock.callLater(seconds, waiting.callback, None)
    return waiting


@implementer(IPushProducer)
class Output:
    """The way out of one connection."""

    __slots__ = (
        "_agenda",
        "_changed",
        "_clock",
        "_corked",
        "_flush_call",
        "_gave",
        "_octets",
        "_pending",
        "_stuck",
        "_stuck_call",
        "_stuck_seconds",
        "_transport",
        "_waiting",
        "blocked",
        "slice_began",
    )

    def __init__(
        self,
        clock: IReactorTime,
        agenda: Agenda,
        stuck_seconds: float,
        *,
        gave: Callable[[int], None],
        changed: Callable[[], None],
        stuck: Callable[[], None],
    ) -> None:
        """*gave* is called with the size of every write to the transport, *changed* when the
        transport becomes full or takes data again, *stuck* when it stayed full for
        *stuck_seconds*.
        """
        self._clock = clock
        self._agenda = agenda
        self._stuck_seconds = stuck_seconds
        self._gave = gave
        self._changed = changed
        self._stuck = stuck
        self._transport: Any = None
        self._pending: list[bytes] = []
        self._octets = 0
        self._corked = False
        self._flush_call: IDelayedCall | None = None
        self._stuck_call: IDelayedCall | None = None
        self._waiting: list[Deferred[None]] = []
        self.blocked = False
        self.slice_began = clock.seconds()

    # --- where it goes ---

    def connect(self, transport: Any) -> None:
        """Write to *transport* from now on (the socket, later TLS over it)."""
        self.disconnect()
        self._transport = transport
        transport.registerProducer(self, True)

    def disconnect(self) -> None:
        """Give everything to the transport and use it no more; it can then close itself."""
        if self._transport is None:
            return
        self._give()
        self._unblock()
        transport, self._transport = self._transport, None
        transport.unregisterProducer()

    def lost(self) -> None:
        """The connection is gone: nothing more can be written, whoever waits is let go."""
        self._transport = None
        self._pending.clear()
        self._octets = 0
        if self._flush_call is not None and self._flush_call.active():
            self._flush_call.cancel()
        self._unblock()

    # --- writing ---

    def write(self, data: bytes) -> None:
        self._pending.append(data)
        self._octets += len(data)
        self._schedule()

    def write_many(self, chunks: Iterable[bytes]) -> None:
        self.write(b"".join(chunks))

    def flush(self) -> None:
        if not self.blocked:
            self._give()

    def cork(self) -> bool:
        """A step begins: gather what is written.  Returns what :meth:`uncork` wants."""
        outermost = not self._corked
        if outermost:
            self._corked = True
            self.slice_began = self._clock.seconds()
        return outermost

    def uncork(self, outermost: bool) -> None:
        if outermost:
            self._corked = False
            self.flush()

    async def ready(self) -> None:
        """Between slices of a long answer: returns when it is fair and useful to go on.

        At once while the slice is young and the transport takes data.  Otherwise others get
        their turn, and while the client reads too slowly it waits.
        """
        if not self.blocked and self._clock.seconds() - self.slice_began < SLICE_SECONDS:
            return
        self.flush()
        await self._agenda.turn()
        while self.blocked:
            waiting: Deferred[None] = Deferred(self._waiting.remove)
            self._waiting.append(waiting)
            await waiting
        self.slice_began = self._clock.seconds()

    @property
    def unsent(self) -> int:
        """Octets that the kernel has not taken, as far as that can be known."""
        return self._octets + unsent(self._transport)

    # --- IPushProducer, called by the transport ---

    def pauseProducing(self) -> None:
        if not self.blocked:
            self.blocked = True
            self._watch_stuck()
            self._changed()

    def resumeProducing(self) -> None:
        self._unblock()
        if self._transport is not None:
            self._give()
            self._changed()

    def stopProducing(self) -> None:
        self._unblock()

    # --- inside ---

    def _schedule(self) -> None:
        if self._octets >= FLUSH_OCTETS and not self.blocked:
            self._give()
        elif not self._corked and self._flush_call is None:
            self._flush_call = self._clock.callLater(0, self._flush_late)

    def _flush_late(self) -> None:
        self._flush_call = None
        self.flush()

    def _give(self) -> None:
        if self._pending and self._transport is not None:
            data = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
            self._pending.clear()
            self._octets = 0
            unsent = data[sent_now(self._transport, data) :]
            if unsent:
                self._transport.write(unsent)
            self._gave(len(data))

    def _unblock(self) -> None:
        self.blocked = False
        if self._stuck_call is not None and self._stuck_call.active():
            self._stuck_call.cancel()
        self._stuck_call = None
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(None)

    def _watch_stuck(self) -> None:
        self._stuck_call = self._clock.callLater(
            self._stuck_seconds, self._check_stuck, unsent(self._transport)
        )

    def _check_stuck(self, before: int) -> None:
        """While blocked nothing is added to the transport's buffer, so less means progress."""
        self._stuck_call = None
        if 0 < unsent(self._transport) < before:
            self._watch_stuck()
        else:
            self._stuck()

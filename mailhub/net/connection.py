"""The base of every protocol: one client connection, with all that is common to them.

From connecting to ``greet()`` a connection passes through the PROXY header, the limits and
TLS, as its listener demands; a subclass sees none of that.  Then ``received`` is called with what
the client sends.  A subclass writes with ``write``, awaits ``ready`` between the slices of a
long answer, and starts coroutines with ``spawn`` and nothing else.

What is written during one call of a hook, or between two waits of a coroutine, leaves as one
write at its end; what is written outside of both, in the next turn of the reactor.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from mailhub.net.lifecycle import Lifecycle

T = TypeVar("T")


class Connection(Lifecycle):
    """One client.  What to override are the hooks of :class:`mailhub.net.lifecycle.Hooks`."""

    # --- who and how ---

    @property
    def secure(self) -> bool:
        return self.client.tls

    @property
    def tls_offered(self) -> bool:
        """STARTTLS may be advertised, and ``start_tls`` called."""
        return self.host.tls is not None and self.entry.tls == "starttls" and not self.secure

    def channel_binding(self) -> list[tuple[str, bytes]]:
        """``(type, data)`` that SCRAM -PLUS can bind to, best first; none without our TLS."""
        return self._link.channel_bindings()

    def start_tls(self) -> None:
        """Speak TLS from the next octet on; clear text that has arrived already is dropped.

        The caller has written its go-ahead and dropped what it had buffered of the input.
        """
        self._inbox.drop()
        self._output.disconnect()
        self._link.start_tls()

    # --- output ---

    def write(self, data: bytes) -> None:
        if not self.closing:
            self._output.write(data)

    def write_many(self, chunks: Iterable[bytes]) -> None:
        self.write(b"".join(chunks))

    async def ready(self) -> None:
        """Await it between slices of a long answer; see :meth:`Output.ready`."""
        await self._output.ready()

    # --- input ---

    def hold(self) -> None:
        """Stop calling ``received``: what arrives is kept, and soon the client has to wait."""
        self._inbox.hold("protocol")

    def resume(self) -> None:
        """Call ``received`` again; to be called whenever the protocol waits for more."""
        self._inbox.release("protocol")

    # --- time and tasks ---

    def set_timeout(self, seconds: float | None) -> None:
        """``timed_out`` after *seconds* without input or progress of output; None: never."""
        self._timer.set(seconds)

    def call_later(self, seconds: float, function: Callable[[], None]) -> IDelayedCall:
        """Call *function* after *seconds*, unless the connection is closed by then."""
        return self.host.reactor.callLater(seconds, self._if_open, function)

    def spawn(self, coroutine: Coroutine[Deferred[Any], Any, T]) -> Deferred[T | None]:
        """Start *coroutine*; it is cancelled when the connection is lost.

        An unexpected exception ends the connection.  The Deferred never fails; cancelling it
        cancels the coroutine.
        """
        return self._tasks.spawn(coroutine)

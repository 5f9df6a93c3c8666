"""Input of a connection: handed to the protocol unless it has asked to hold.

Holding costs nothing while the client is silent; only when data arrives meanwhile is the
transport told to stop reading, so at most one read's worth is kept.  Input also rests while the
client does not take its answers: whoever pipelines without reading must not fill our memory.

A client that has closed its sending half still gets its answers: the input is exhausted when all
that came has been delivered, and again whenever the protocol asks for more.
"""

from __future__ import annotations

from collections.abc import Callable


class Inbox:
    """``deliver`` gets the data, ``pause``/``resume`` steer the transport's reading.

    ``exhausted`` is called when all is delivered and :meth:`end` has said that no more will come.
    """

    __slots__ = (
        "_deliver",
        "_delivering",
        "_ended",
        "_exhausted",
        "_kept",
        "_pause",
        "_paused",
        "_resume",
        "_why",
    )

    def __init__(
        self,
        deliver: Callable[[bytes], None],
        pause: Callable[[], None],
        resume: Callable[[], None],
        exhausted: Callable[[], None],
    ) -> None:
        self._deliver = deliver
        self._pause = pause
        self._resume = resume
        self._exhausted = exhausted
        self._kept: list[bytes] = []
        self._why: set[str] = set()
        self._delivering = False
        self._paused = False
        self._ended = False

    def take(self, data: bytes) -> None:
        self._kept.append(data)
        self._run()

    def hold(self, why: str) -> None:
        self._why.add(why)

    def release(self, why: str) -> None:
        self._why.discard(why)
        self._run()

    def end(self) -> None:
        """The client sends no more."""
        self._ended = True
        self._run()

    def drop(self) -> None:
        """Forget what is kept, and read on."""
        self._kept.clear()
        self._run()

    def _run(self) -> None:
        """Deliver until held.  Not re-entrant: a release during delivery goes on in the loop."""
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._kept and not self._why:
                self._deliver(self._kept.pop(0))
        finally:
            self._delivering = False
        if self._kept and not self._paused:
            self._paused = True
            self._pause()
        elif self._paused and not self._kept:
            self._paused = False
            self._resume()
        elif self._ended and not self._kept:
            self._exhausted()

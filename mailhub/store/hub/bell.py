"""The bell: "something of this account has changed", told between processes.

Not a message bus.  A ring carries an account's number (mod 8,192) and nothing else; whoever is
called asks the store what is new, so a ring too many does no harm and rings may merge.  Rings are
seen by looking at shared memory (:mod:`.bellfile`) every few milliseconds; a datagram to the
sockets of other processes where somebody watches makes them look at once, and may be lost.

A process is told of other processes' rings only: of its own commits the engine knows first hand.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from twisted.internet.interfaces import (
    IDelayedCall,
    IReactorFDSet,
    IReactorTime,
    IReadDescriptor,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from mailhub import log
from mailhub.store.hub.bellfile import COLUMN_OCTETS, COUNTERS, BellFile, moved, slots_moved
from mailhub.store.hub.wake import Wake

LOOK_SECONDS = 0.005
REST_SECONDS = 0.1
"""Between looks while there is nothing to see: no other process, whose first ring is a datagram, or
nobody here who watches."""
BURY_SECONDS = 1.0
WAKE_SECONDS = 0.002
"""At most so often are datagrams sent: looking finds the rest."""

Callback = Callable[[], None]


class Bell:
    """``ring`` may be called from any thread, all else in the reactor's."""

    def __init__(self, file: BellFile, wake: Wake) -> None:
        self._file = file
        self._wake = wake
        self._woken = 0.0
        self._ears = Ears(file)
        self._looking: Looking | None = None

    @classmethod
    def open(cls, path: Path) -> Bell:
        """Raises Unavailable, UnusableDataDir.  Opened after forking."""
        return cls(BellFile.open(path), Wake(path))

    def ring(self, account_number: int) -> None:
        """To be called after the change is durable."""
        self._file.ring(account_number)
        now = time.monotonic()
        if now - self._woken >= WAKE_SECONDS and (listeners := self._file.listeners()):
            self._woken = now
            self._wake.send(listeners)

    def watch(self, account_number: int, callback: Callback) -> Callable[[], None]:
        """Call *callback* when another process has rung; returns the undo."""
        undo = self._ears.watch(account_number, callback)
        if self._looking is not None:
            self._looking.hurry()
        return undo

    def look(self) -> None:
        """Call whom others have rung for since the last look."""
        self._ears.look()

    def start(self, reactor: IReactorTime) -> None:
        self._wake.listen(self._file.slot)
        self._looking = Looking(reactor, self._file, self._ears, self._wake)

    def stop(self) -> None:
        if self._looking is not None:
            self._looking.stop()
            self._looking = None
        self._wake.close()
        self._file.close()


class Sexton:
    """Rings for processes as soon as they have died, without being one of those who listen."""

    def __init__(self, path: Path) -> None:
        """Raises Unavailable, UnusableDataDir."""
        self._file = BellFile.open(path, member=False)
        self._wake = Wake(path)

    def bury(self) -> None:
        self._file.bury_the_dead()
        self._wake.send(self._file.listeners())

    def close(self) -> None:
        self._wake.close()
        self._file.close()


@dataclass(frozen=True, slots=True)
class Column:
    """What a slot looked like."""

    rung_all: int = 0
    counters: bytes = bytes(COLUMN_OCTETS)


class Ears:
    """Finds out for which accounts others have rung, and calls those who watch them."""

    def __init__(self, file: BellFile) -> None:
        self._file = file
        self._watchers: dict[int, dict[int, Callback]] = {}
        self._tokens = itertools.count()
        self._heads = file.heads()
        self._columns = {slot: self._column(slot) for slot in slots_moved(b"", self._heads)}
        self._again: set[int] = set()

    @property
    def watched(self) -> bool:
        """Whether anybody wants to hear."""
        return bool(self._watchers)

    def watch(self, account_number: int, callback: Callback) -> Callable[[], None]:
        counter, token = account_number % COUNTERS, next(self._tokens)
        if not self._watchers:
            self._file.hear(True)
        self._watchers.setdefault(counter, {})[token] = callback

        def undo() -> None:
            callbacks = self._watchers.get(counter, {})
            callbacks.pop(token, None)
            if not callbacks:
                self._watchers.pop(counter, None)
            if not self._watchers:
                self._file.hear(False)

        return undo

    def look(self) -> bool:
        """Whether there was anything to see."""
        heads = self._file.heads()
        if heads == self._heads and not self._again:
            return False
        changed = set(slots_moved(self._heads, heads)) - {self._file.slot}
        # A processor may show a head before the counter that was written first, so a column
        # is read once more at the next look.
        read, self._again = changed | self._again, changed
        self._heads = heads
        for slot in read:
            self._read(slot)
        return True

    def _read(self, slot: int) -> None:
        before = self._columns.get(slot, Column())
        after = self._columns[slot] = self._column(slot)
        if after.rung_all != before.rung_all:
            self._call(list(self._watchers))
        else:
            self._call(moved(before.counters, after.counters))

    def _column(self, slot: int) -> Column:
        return Column(self._file.rung_all(slot), self._file.column(slot))

    def _call(self, counters: list[int]) -> None:
        for counter in counters:
            for callback in list(self._watchers.get(counter, {}).values()):
                try:
                    callback()
                except Exception:
                    # One session's fault must not keep the news from the others.
                    log.failure("error", Failure(), what="a watcher of the bell failed")


@implementer(IReadDescriptor)
class Looking:
    """Looks at the bell from time to time, and when a datagram comes."""

    def __init__(self, reactor: IReactorTime, file: BellFile, ears: Ears, wake: Wake) -> None:
        self._reactor = reactor
        self._file = file
        self._ears = ears
        self._wake = wake
        self._bury_at = 0.0
        self._alone = False
        self._rests = False
        self._next: IDelayedCall | None = None
        if IReactorFDSet.providedBy(reactor):
            IReactorFDSet(reactor).addReader(self)
        self._look_on()

    def stop(self) -> None:
        if self._next is not None and self._next.active():
            self._next.cancel()
        if IReactorFDSet.providedBy(self._reactor):
            IReactorFDSet(self._reactor).removeReader(self)

    def fileno(self) -> int:
        return self._wake.fileno()

    def logPrefix(self) -> str:
        return "bell"

    def doRead(self) -> None:
        self._wake.drain()
        self._ears.look()
        if self._alone:  # somebody has come
            self._alone = False
            self.hurry()

    def hurry(self) -> None:
        """Look often from now on, if there can be something to see."""
        if self._rests and not self._alone and self._ears.watched and self._next is not None:
            self._rests = False
            self._next.reset(LOOK_SECONDS)

    def connectionLost(self, reason: Failure) -> None:
        """The reactor is stopping; looking goes on until ``stop``."""

    def _look_on(self) -> None:
        now = self._reactor.seconds()
        if now >= self._bury_at:
            self._bury_at = now + BURY_SECONDS
            self._file.bury_the_dead()
            self._alone = not self._file.others()
        self._ears.look()
        self._rests = self._alone or not self._ears.watched
        seconds = REST_SECONDS if self._rests else LOOK_SECONDS
        self._next = self._reactor.callLater(seconds, self._look_on)

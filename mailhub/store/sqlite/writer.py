"""The queue in front of an account's group commit.

Closures wait here while the group before them commits; a writer thread then takes all that have
come.  Results and news reach the reactor in commit order.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred

from mailhub.store.runner import Runner
from mailhub.store.sqlite.groupcommit import Committed, GroupCommit, Job
from mailhub.store.sqlite.housekeeping import Checkpointer
from mailhub.store.sqlite.transaction import Tx

T = TypeVar("T")

MAX_GROUP = 64
GROUPS_IN_A_ROW = 8
"""After that many the thread is given back, so that a busy account does not starve others."""

Waiting = tuple[Job, "Deferred[Any]"]


class Writer:
    def __init__(
        self,
        group: GroupCommit,
        runner: Runner,
        checkpointer: Checkpointer,
        published: Callable[[Committed], None],
    ) -> None:
        self._group = group
        self._runner = runner
        self._checkpointer = checkpointer
        self._published = published
        self._queue: deque[Waiting] = deque()
        self._running = False
        self._lock = threading.Lock()

    @property
    def idle(self) -> bool:
        return not self._running

    def submit(self, work: Callable[[Tx], T], *, durable: bool = True) -> Deferred[T]:
        """Run *work* in a transaction that it may share with others'.  In the reactor."""
        result: Deferred[T] = Deferred()
        with self._lock:
            self._queue.append((Job(work, durable), result))
            starting = not self._running
            self._running = True
        if starting:
            self._runner.write(self._drain)
        return result

    def _drain(self) -> None:
        """In a writer thread, never in two at once."""
        for _ in range(GROUPS_IN_A_ROW):
            group = self._take()
            if not group:
                return
            committed = self._group.run([job for job, _ in group])
            self._runner.in_reactor(partial(self._deliver, group, committed))
            # Only now: nobody waits for a checkpoint but who comes next.
            self._checkpointer.after_commit(self._group)
        self._runner.write(self._drain)

    def _take(self) -> list[Waiting]:
        with self._lock:
            group = [self._queue.popleft() for _ in range(min(MAX_GROUP, len(self._queue)))]
            self._running = bool(group)
        return group

    def _deliver(self, group: list[Waiting], committed: Committed) -> None:
        for job, waiting in group:
            if job.failure is not None:
                waiting.errback(job.failure)
            else:
                waiting.callback(cast(Any, job.result))
        if committed.touched:
            self._published(committed)

    def close(self) -> Deferred[None]:
        """Empty the log into the database and close; the queue must be idle."""
        closed: Deferred[None] = Deferred()
        self._running = True

        def finish() -> None:
            self._checkpointer.before_close(self._group)
            self._group.close()
            self._runner.in_reactor(done)

        def done() -> None:
            self._running = False
            closed.callback(None)

        self._runner.write(finish)
        return closed

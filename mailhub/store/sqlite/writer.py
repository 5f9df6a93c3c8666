"""The queue in front of an account's group commit.

Jobs wait here while the group before them commits; then all that have come make the next group.
Small ones run in the reactor and meet a thread only for their COMMIT: a statement beside a busy
reactor costs a thread more in hand-overs of Python's lock than in SQLite.  Results and news reach
the reactor in commit order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from twisted.internet.defer import Deferred

from mailhub.store.runner import Runner
from mailhub.store.sqlite.groupcommit import Committed, GroupCommit, Job
from mailhub.store.sqlite.housekeeping import Checkpointer

MAX_GROUP = 64
MAX_SMALL_GROUP = 16
"""So many jobs run in the reactor without a pause."""

Waiting = tuple[Job, "Deferred[Any]"]


class Writer:
    """All methods are called in the reactor."""

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
        self._busy = False

    @property
    def idle(self) -> bool:
        return not self._busy

    def submit(self, job: Job) -> Deferred[Any]:
        """Run *job* in a transaction that it may share with others."""
        result: Deferred[Any] = Deferred()
        self._queue.append((job, result))
        if not self._busy:
            self._begin()
        return result

    def _begin(self) -> None:
        """Start on the next group, if anybody waits."""
        queue = self._queue
        self._busy = bool(queue)
        if not queue:
            return
        first = queue[0][0]
        small = first.small
        group = [queue.popleft()]
        most = MAX_SMALL_GROUP if small else MAX_GROUP
        while queue and len(group) < most and _goes_with(queue[0][0], first):
            group.append(queue.popleft())
        jobs = [job for job, _ in group]
        prepared = self._group.prepare(jobs) if small else None
        if prepared is None:
            self._runner.write(partial(self._commit, group, partial(self._group.run, jobs)))
        else:
            self._runner.wait(partial(self._commit, group, partial(self._group.commit, prepared)))

    def _commit(self, group: list[Waiting], commit: Callable[[], Committed]) -> None:
        """In a writer thread, never in two at once."""
        committed = commit()
        if self._checkpointer.is_due(self._group):
            self._runner.in_reactor(partial(self._deliver, group, committed))
            self._checkpointer.run(self._group)
            self._runner.in_reactor(self._begin)
        else:
            self._runner.in_reactor(partial(self._finish, group, committed))

    def _finish(self, group: list[Waiting], committed: Committed) -> None:
        try:
            self._deliver(group, committed)
        finally:
            self._begin()

    def _deliver(self, group: list[Waiting], committed: Committed) -> None:
        for job, waiting in group:
            if job.failure is not None:
                waiting.errback(job.failure)
            else:
                waiting.callback(cast(Any, job.result))
        self._published(committed)

    def close(self) -> Deferred[None]:
        """Empty the log into the database and close; the queue must be idle."""
        closed: Deferred[None] = Deferred()
        self._busy = True

        def finish() -> None:
            self._checkpointer.before_close(self._group)
            self._group.close()
            self._runner.in_reactor(done)

        def done() -> None:
            self._busy = False
            closed.callback(None)

        self._runner.write(finish)
        return closed


def _goes_with(job: Job, first: Job) -> bool:
    """Whether both may share a transaction.

    A claim is waited for, and who waits must hold nothing that others wait for.
    """
    return job.small is first.small and job.terms.claim is None and first.terms.claim is None

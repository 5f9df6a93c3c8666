"""The queue in front of an account's group commit.

Jobs wait here while the group before them commits; then all that have come make the next group.
Small ones run in the reactor and meet a thread only where the disk is waited for: a statement
beside a busy reactor costs a thread more in hand-overs of Python's lock than in SQLite.  That is
their COMMIT, or the journal's write for those of many accounts.  Results and news reach the reactor
in commit order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mailhub import log
from mailhub.model.errors import Unavailable
from mailhub.model.mail import AccountId
from mailhub.store.runner import Runner
from mailhub.store.sqlite.groupcommit import Committed, GroupCommit, Job, Prepared
from mailhub.store.sqlite.housekeeping import Checkpointer
from mailhub.store.sqlite.journal import Journal, sync_logs
from mailhub.store.sqlite.journalfile import FiledGroup

MAX_GROUP = 64
MAX_SMALL_GROUP = 16
"""So many jobs run in the reactor without a pause."""

Waiting = tuple[Job, "Deferred[Any]"]


class Writer:
    """All methods are called in the reactor."""

    def __init__(
        self,
        account: AccountId,
        path: Path,
        group: GroupCommit,
        runner: Runner,
        checkpointer: Checkpointer,
        journal: Journal,
        published: Callable[[Committed], None],
    ) -> None:
        self._account = account
        self._path = path
        self._group = group
        self._runner = runner
        self._checkpointer = checkpointer
        self._journal = journal
        self._published = published
        self._queue: deque[Waiting] = deque()
        self._busy = False
        self._log_begins = False
        """The next commit writes the first page of a log, for which it waits in any case."""

    @property
    def idle(self) -> bool:
        return not self._busy

    def submit(self, job: Job) -> Deferred[Any]:
        """Run *job* in a transaction that it may share with others."""
        result: Deferred[Any] = Deferred()
        self._queue.append((job, result))
        if not self._busy:
            self._go_on()
        return result

    def _go_on(self) -> None:
        """Run groups until one has to be waited for, or nobody waits."""
        self._busy = True
        while self._queue:
            if not self._begin():
                return
        self._busy = False

    def _begin(self) -> bool:
        """Start on the next group; whether it has ended already."""
        queue = self._queue
        first = queue[0][0]
        small = first.small
        group = [queue.popleft()]
        most = MAX_SMALL_GROUP if small else MAX_GROUP
        while queue and len(group) < most and _goes_with(queue[0][0], first):
            group.append(queue.popleft())
        jobs = [job for job, _ in group]
        quick = self._journal.is_quick
        prepared = self._group.prepare(jobs, quick) if small and not self._log_begins else None
        self._log_begins = False
        if prepared is None:
            self._elsewhere(self._runner.write, group, partial(self._group.run, jobs))
        elif prepared.waits or not quick:
            self._elsewhere(self._runner.wait, group, partial(self._group.commit, prepared))
        else:
            return self._commit_here(group, prepared)
        return False

    def _elsewhere(
        self,
        run: Callable[[Callable[[], None]], None],
        group: list[Waiting],
        commit: Callable[[], Committed],
    ) -> None:
        """*run* is how a writer thread is asked to *commit*; never two at once do."""

        def work() -> None:
            self._runner.in_reactor(partial(self._finish, group, commit()))

        run(work)

    def _commit_here(self, group: list[Waiting], prepared: Prepared) -> bool:
        committed = self._group.commit_here(prepared)
        if committed is None:
            self._elsewhere(self._runner.write, group, partial(self._group.run, prepared.jobs))
            return False
        self._journal.took(committed.seconds)
        if committed.failed or not prepared.filed:
            return self._end(group, committed)
        filed = FiledGroup(self._account, prepared.before, prepared.at, prepared.filed)
        self._journal.add(self._path, filed, partial(self._journaled, group, committed))
        return False

    def _journaled(self, group: list[Waiting], committed: Committed, durable: bool) -> None:
        if durable:
            self._finish(group, committed)
        else:
            self._elsewhere(self._runner.wait, group, partial(self._wait_for_log, group, committed))

    def _wait_for_log(self, group: list[Waiting], committed: Committed) -> Committed:
        """The journal has failed: wait for this account's log alone.  In a writer thread."""
        try:
            sync_logs([self._path])
        except OSError as error:
            committed.failed = True
            self._group.fence(error)
            for job, _ in group:
                if job.failure is None:
                    job.fail(Unavailable())
        return committed

    def _finish(self, group: list[Waiting], committed: Committed) -> None:
        if self._end(group, committed):
            self._go_on()

    def _end(self, group: list[Waiting], committed: Committed) -> bool:
        """Tell those who wait; whether the next group can begin."""
        try:
            self._deliver(group, committed)
        except Exception:
            log.failure("error", Failure(), what="telling of a commit")
        if not self._checkpointer.is_due(self._group):
            return True
        self._runner.wait(self._checkpoint)
        return False

    def _checkpoint(self) -> None:
        """In a writer thread; only who comes next has to wait for it."""
        self._checkpointer.run(self._group)
        self._runner.in_reactor(self._checkpointed)

    def _checkpointed(self) -> None:
        self._log_begins = True
        self._go_on()

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

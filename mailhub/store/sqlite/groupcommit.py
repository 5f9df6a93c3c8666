"""Many changes, one commit: each in a savepoint of its own, results only after COMMIT.

The rules come from fault injection (a naive savepoint loop stored a message that it then reported
as failed).  SQLite rolls back the whole transaction by itself on SQLITE_FULL and on I/O errors,
so after any error the first question is whether there still is a transaction.

1. BEGIN IMMEDIATE; each job runs in a savepoint.
2. A job that failed while the transaction lives is undone alone.  If the transaction is gone, the
   job fails and everything starts again with the others.
3. Nobody learns a result before COMMIT has returned.
4. When COMMIT finds the disk full, each job is run once more alone.
5. An I/O error fails all with a temporary error and fences the account: a new connection, and
   nothing is acknowledged until a checkpoint has moved the whole log to the database.

Jobs can run several times, so they have no effects outside the database.

Small jobs run in the reactor, where nobody contends for Python's lock, and only their COMMIT in a
thread: :meth:`GroupCommit.prepare` and :meth:`GroupCommit.commit`.  What does not go smoothly
there is rolled back and begun again in the thread, under the rules above.  A COMMIT that does not
wait for the disk, because nothing in it must be durable or because the journal makes it so, needs
no thread: :meth:`GroupCommit.commit_here`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import apsw

from mailhub.model.errors import Unavailable
from mailhub.model.mail import MailboxId, Usage
from mailhub.store.sqlite.connection import refusal, wait_for_others
from mailhub.store.sqlite.journalfile import FiledLetter
from mailhub.store.sqlite.seams import NO_TERMS, Terms
from mailhub.store.sqlite.transaction import NeedsDurable, Tx


@dataclass(slots=True, eq=False)
class Job:
    """``durable`` False: survives the process but perhaps not the machine (flag changes).

    ``journaled``: all that must not be lost it tells the transaction, for the journal.

    ``small``: reads and writes so few rows that it may run in the reactor.  One whose terms have
    a claim is never small and always the only one of its group.
    """

    work: Callable[[Tx], object]
    durable: bool = True
    journaled: bool = False
    small: bool = False
    terms: Terms = NO_TERMS
    done: bool = False
    result: object = None
    failure: Exception | None = None

    def fail(self, failure: Exception) -> None:
        self.done = True
        self.failure = failure


@dataclass(slots=True)
class Committed:
    """What a group changed, to be published, and what became of its transaction."""

    touched: list[MailboxId | None] = field(default_factory=list)
    usage: tuple[Usage, int] | None = None
    seconds: float = 0.0
    """In the thread."""
    failed: bool = False


@dataclass(slots=True)
class Prepared:
    """Jobs that have run; their transaction is open.

    ``waits``: its COMMIT waits for the disk.  ``filed``: what the journal must have besides.
    """

    jobs: list[Job]
    waits: bool
    before: int
    """The account's ledger_seq when the transaction began."""
    at: int
    filed: list[FiledLetter]
    refused: list[tuple[Job, Exception]]
    touched: list[MailboxId | None]
    usage: tuple[Usage, int] | None


class _CommitFull(Exception):
    """The disk is full, and it is nobody's in particular."""


class _Spoiled(Exception):
    """SQLite has rolled everything back because of one job (rule 2)."""

    def __init__(self, job: Job, failure: Exception) -> None:
        super().__init__(str(failure))
        self.job = job
        self.failure = failure


class GroupCommit:
    """The writing connection of an account.  Used by the reactor or one thread at a time."""

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        clock: Callable[[], float],
        fenced: Callable[[Exception], None],
        patience_ms: int = 0,
    ) -> None:
        """*patience_ms*: how long a thread waits for another process's transaction."""
        self._connect = connect
        self._clock = clock
        self._on_fence = fenced
        self._db: apsw.Connection | None = None
        self._synchronous = ""
        self._patience_ms = patience_ms
        self._patience = -1
        self._fenced = False

    def prepare(self, jobs: Sequence[Job], journaled: bool = False) -> Prepared | None:
        """Run small *jobs* here and now, for :meth:`commit`; None: :meth:`run` must do it.

        *journaled*: what the journal can make durable does not wait for the disk.
        """
        if self._db is None or self._fenced:
            return None
        try:
            self.wait_for_others(0)
            waits = any(job.durable and not (journaled and job.journaled) for job in jobs)
            return self._execute(self._ready(waits), list(jobs), waits, journaled=not waits)
        except apsw.IOError as error:
            self.fence(error)
        except Exception:  # whatever it is, it comes again in the thread
            self._abandon()
        return None

    def commit(self, prepared: Prepared) -> Committed:
        """Afterwards every job of *prepared* is done.  Never raises."""
        assert self._db is not None
        db = self._db
        return self._guarded(prepared.jobs, lambda committed: self._finish(db, prepared, committed))

    def commit_here(self, prepared: Prepared) -> Committed | None:
        """In the reactor, for one that does not wait; None: the disk is full, :meth:`run` them.

        What it has filed is durable only when the journal has it.  Never raises.
        """
        assert self._db is not None
        assert not prepared.waits
        committed = Committed()
        began = time.monotonic()
        try:
            self._finish(self._db, prepared, committed)
        except _CommitFull:
            return None
        except Exception as error:
            committed.failed = True
            self._give_up(prepared.jobs, error)
        committed.seconds = time.monotonic() - began
        return committed

    def run(self, jobs: Sequence[Job]) -> Committed:
        """Afterwards every job is done.  Never raises."""

        def run(committed: Committed) -> None:
            self._recover()
            self.wait_for_others(self._patience_ms)
            self._commit(list(jobs), committed, any(job.durable for job in jobs))

        return self._guarded(jobs, run)

    def _guarded(self, jobs: Sequence[Job], work: Callable[[Committed], None]) -> Committed:
        committed = Committed()
        began = time.monotonic()
        try:
            work(committed)
        except _CommitFull:
            return self.run(jobs)
        except Exception as error:
            committed.failed = True
            self._give_up(jobs, error)
        for job in jobs:
            if job.terms.claim is not None:
                job.terms.claim.settle(committed.usage)
        committed.seconds = time.monotonic() - began
        return committed

    def _give_up(self, jobs: Sequence[Job], error: Exception) -> None:
        if isinstance(error, apsw.IOError):
            self.fence(error)
            _fail_rest(jobs, Unavailable())
        else:  # something else that SQLite says, a file that cannot be opened, our own mistake
            self._abandon()
            _fail_rest(jobs, _told(error))

    # --- the rules

    def _commit(self, jobs: list[Job], committed: Committed, durable: bool) -> None:
        while jobs:
            try:
                db = self._ready(durable)
                self._finish(db, self._execute(db, jobs, durable), committed)
            except NeedsDurable:
                durable = True
            except _Spoiled as spoiled:
                spoiled.job.fail(_told(spoiled.failure))
                jobs.remove(spoiled.job)
            except _CommitFull as full:
                if len(jobs) == 1:
                    jobs[0].fail(refusal(apsw.FullError(str(full))))
                    return
                for job in jobs:
                    self._commit([job], committed, durable)
                return
            else:
                return

    def _execute(
        self, db: apsw.Connection, jobs: list[Job], waits: bool, *, journaled: bool = False
    ) -> Prepared:
        """Everything up to the COMMIT.  Raises _Spoiled, NeedsDurable."""
        db.execute("BEGIN IMMEDIATE")
        try:
            tx = Tx(db, int(self._clock()), durable=waits, journaled=journaled)
        except NeedsDurable:
            db.execute("ROLLBACK")
            raise
        before = tx.ledger_seq
        refused: list[tuple[Job, Exception]] = []
        run = self._savepoint if len(jobs) > 1 else self._alone
        for job in jobs:
            failure = run(db, tx, job)
            if failure is None:
                continue
            if not db.in_transaction:
                raise _Spoiled(job, failure)
            refused.append((job, failure))
        usage = None if len(refused) == len(jobs) else self._flush(db, tx)
        filed = tx.filed or []
        return Prepared(jobs, waits, before, tx.now, filed, refused, tx.touched, usage)

    def _savepoint(self, db: apsw.Connection, tx: Tx, job: Job) -> Exception | None:
        """Run *job*; what it raised, its effects undone.  I/O errors go up."""
        mark = tx.mark()
        tx.terms = job.terms
        db.execute("SAVEPOINT job")
        try:
            job.result = job.work(tx)
        except apsw.IOError:
            raise
        except Exception as error:
            if db.in_transaction:
                db.execute("ROLLBACK TO job")
                db.execute("RELEASE job")
            tx.back_to(mark)
            return error
        db.execute("RELEASE job")
        return None

    def _alone(self, db: apsw.Connection, tx: Tx, job: Job) -> Exception | None:
        """The only job: its transaction is rolled back instead of a savepoint."""
        mark = tx.mark()
        tx.terms = job.terms
        try:
            job.result = job.work(tx)
        except apsw.IOError:
            raise
        except Exception as error:
            tx.back_to(mark)
            return error
        return None

    def _flush(self, db: apsw.Connection, tx: Tx) -> tuple[Usage, int] | None:
        try:
            return tx.flush()
        except apsw.FullError as error:
            raise self._full(db, error) from error

    def _finish(self, db: apsw.Connection, prepared: Prepared, committed: Committed) -> None:
        """End the transaction; only now are the jobs done (rule 3)."""
        jobs, refused = prepared.jobs, prepared.refused
        if len(refused) == len(jobs):
            db.execute("ROLLBACK")
        else:
            if prepared.usage is not None:
                for job in jobs:
                    if job.terms.claim is not None:
                        job.terms.claim.hold()
            try:
                db.execute("COMMIT")
            except apsw.FullError as error:
                raise self._full(db, error) from error
        for job, failure in refused:
            job.fail(_told(failure))
        for job in jobs:
            job.done = True
        committed.touched += [box for box in prepared.touched if box not in committed.touched]
        committed.usage = prepared.usage or committed.usage

    def _full(self, db: apsw.Connection, error: apsw.FullError) -> _CommitFull:
        if db.in_transaction:
            db.execute("ROLLBACK")
        return _CommitFull(str(error))

    # --- the connection

    def pages_written(self) -> int:
        """To the log, since the last time this was asked."""
        if self._db is None:
            return 0
        return self._db.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE, True)[0]

    @property
    def db(self) -> apsw.Connection | None:
        """For housekeeping between groups; None: not open, or fenced."""
        return None if self._fenced else self._db

    def _ready(self, durable: bool) -> apsw.Connection:
        if self._db is None:
            self._db = self._open()
        wanted = "FULL" if durable else "NORMAL"
        if wanted != self._synchronous:
            self._db.execute(f"PRAGMA synchronous={wanted}")
            self._synchronous = wanted
        return self._db

    def wait_for_others(self, milliseconds: int) -> None:
        """How long statements wait for other processes from now on."""
        if self._db is not None and self._patience != milliseconds:
            wait_for_others(self._db, milliseconds)
            self._patience = milliseconds

    def _open(self) -> apsw.Connection:
        db = self._connect()
        self._synchronous = ""
        self._patience = -1
        db.wal_autocheckpoint(0)  # it would run inside the COMMIT that a client waits for
        return db

    def fence(self, error: Exception) -> None:
        """Acknowledge nothing until the log has been moved to the database (rule 5)."""
        self._fenced = True
        self._on_fence(error)
        self._abandon()

    def _recover(self) -> None:
        """Rule 5.  Raises apsw errors as long as the disk does."""
        if not self._fenced:
            return
        # The old connection is closed only afterwards: were it the last one, the next to open
        # would run recovery and could take a commit for good that was reported as failed.
        old, fresh = self._db, self._open()
        try:
            fresh.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.Error:
            fresh.close(True)
            raise
        self._db = fresh
        self._fenced = False
        if old is not None:
            old.close(True)

    def _abandon(self) -> None:
        """End a transaction that an error has left open."""
        if self._db is None or not self._db.in_transaction:
            return
        try:
            self._db.execute("ROLLBACK")
        except apsw.Error as error:
            self._fenced = True
            self._on_fence(error)

    def close(self) -> None:
        if self._db is not None:
            self._db.close(True)
            self._db = None


def _told(failure: Exception) -> Exception:
    """What the one who asked is told, with the database's own words as its cause."""
    if not isinstance(failure, apsw.Error):
        return failure
    refused = refusal(failure)
    refused.__cause__ = failure
    return refused


def _fail_rest(jobs: Sequence[Job], failure: Exception) -> None:
    for job in jobs:
        if not job.done:
            job.fail(failure)

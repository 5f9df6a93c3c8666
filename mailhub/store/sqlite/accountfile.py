"""An open account: a connection for the reactor, one for writing, one to spare for threads.

Short reads run in place, in the reactor: an indexed query takes some microseconds, a thread and
back a hundred.  They never wait: SQLITE_BUSY moves the read to a thread.  Opening always happens
in a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import apsw
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mailhub import log
from mailhub.model.errors import Damaged
from mailhub.model.mail import Changes, MailboxId
from mailhub.model.numbers import ModSeq
from mailhub.store.runner import Runner
from mailhub.store.sqlite.claiming import Claiming
from mailhub.store.sqlite.columncache import ColumnCache
from mailhub.store.sqlite.columns import Columns
from mailhub.store.sqlite.connection import refusal, refusals
from mailhub.store.sqlite.files import create_account, open_account
from mailhub.store.sqlite.filing import UidlMaker
from mailhub.store.sqlite.groupcommit import Committed, GroupCommit, Job
from mailhub.store.sqlite.housekeeping import Checkpointer
from mailhub.store.sqlite.journal import Journal
from mailhub.store.sqlite.seams import AccountRecord, Terms
from mailhub.store.sqlite.transaction import Tx
from mailhub.store.sqlite.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT_MS = 10_000
"""How long threads wait for another process's transaction."""


class AccountFile:
    """One account's file.  All methods are called in the reactor.

    With a *template* the file is made from it if it is not there.
    """

    def __init__(
        self,
        record: AccountRecord,
        path: Path,
        template: Path | None,
        runner: Runner,
        clock: Callable[[], float],
        published: Callable[[AccountRecord, Committed], None],
        uidl: UidlMaker,
        terms: Callable[[], Terms],
        columns: ColumnCache,
        journal: Journal,
    ) -> None:
        self.record = record
        self.path = path
        self.upkeep_at = 0.0
        self._template = template
        self._clock = clock
        self.uidl = uidl
        self._terms = terms
        self._columns = columns
        self._runner = runner
        self._db: apsw.Connection | None = None
        self._waiting: list[Deferred[apsw.Connection]] = []
        self._spare: apsw.Connection | None = None
        self._spare_lock = threading.Lock()
        self._in_threads = 0
        self.claiming = Claiming()
        self.changes: tuple[tuple[int, MailboxId, ModSeq], Changes] | None = None
        """Those that were asked for last: edition of the file, mailbox and since when."""
        self._writer = Writer(
            record.id,
            path,
            GroupCommit(self._open_for_writing, clock, self._fenced, BUSY_TIMEOUT_MS),
            runner,
            Checkpointer(path, self._log_is_large),
            journal,
            lambda committed: published(record, committed),
        )

    def _open(self, busy_timeout_ms: int) -> apsw.Connection:
        if self._template is not None:
            create_account(self._template, self.path, self.record.id, int(self._clock()))
            self._template = None
        return open_account(self.path, self.record.id, busy_timeout_ms=busy_timeout_ms)

    def _open_for_reactor(self) -> apsw.Connection:
        # Opening may meet another process that is about to recover or to close: that is waited for.
        db = self._open(BUSY_TIMEOUT_MS)
        db.set_busy_timeout(0)
        return db

    def _open_for_writing(self) -> apsw.Connection:
        db = self._open(BUSY_TIMEOUT_MS)
        db.create_scalar_function("uidl", cast(Any, self.uidl), 2, deterministic=True)
        return db

    # --- reading

    async def read(
        self, fn: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What *fn* reads, in place if that is possible at once."""
        db = self._db or await self._opened()
        try:
            return fn(db, *args, **kwargs)
        except apsw.BusyError:
            return await self.read_in_thread(fn, *args, **kwargs)
        except apsw.Error as error:
            refused = refusal(error)
            self._notice(refused, error)
            raise refused from error

    async def read_in_thread(
        self, fn: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def work() -> T:
            with refusals():
                db = self._borrow()
                try:
                    return fn(db, *args, **kwargs)
                finally:
                    self._give_back(db)

        self._in_threads += 1
        done = self._runner.run(work)
        done.addBoth(self._left_thread)
        done.addErrback(self._failed)
        return await done

    def _left_thread(self, outcome: T) -> T:
        self._in_threads -= 1
        return outcome

    def _borrow(self) -> apsw.Connection:
        with self._spare_lock:
            db, self._spare = self._spare, None
        return db or self._open(BUSY_TIMEOUT_MS)

    def _give_back(self, db: apsw.Connection) -> None:
        with self._spare_lock:
            if self._spare is None:
                self._spare = db
                return
        db.close(True)

    def _opened(self) -> Deferred[apsw.Connection]:
        """The reactor's connection, opened in a thread once for all who wait."""
        waiting: Deferred[apsw.Connection] = Deferred()
        self._waiting.append(waiting)
        if len(self._waiting) == 1:
            self._in_threads += 1
            opening = self._runner.run(self._open_for_reactor)
            opening.addBoth(self._left_thread)
            opening.addErrback(self._failed)
            opening.addBoth(self._tell_waiting)
        return waiting

    def _tell_waiting(self, outcome: object) -> None:
        waiting, self._waiting = self._waiting, []
        if isinstance(outcome, apsw.Connection):
            self._db = outcome
            self.changes = None  # editions of another connection count differently
        for one in waiting:
            one.callback(outcome)  # type: ignore[arg-type]  # a Failure makes it an errback

    def columns_of(self, mailbox: MailboxId) -> Columns | None:
        """What is remembered of a mailbox."""
        return self._columns.get((self.record.id, mailbox))

    def keep_columns(self, mailbox: MailboxId, columns: Columns) -> None:
        self._columns.keep((self.record.id, mailbox), columns)

    # --- writing

    def commit(
        self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """Run *fn* in a transaction; durable when the result comes."""
        return self._submit(Job(lambda tx: fn(tx, *args, **kwargs), terms=self._terms()))

    def commit_lazily(
        self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """The same, but a power loss may undo it: for flags and for what is still staged.

        The usage must stay as it is.
        """
        return self._submit(Job(lambda tx: fn(tx, *args, **kwargs), durable=False))

    def commit_small(
        self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """As commit, for work on a few rows: it may be done in the reactor."""
        terms = self._terms()
        small = terms.claim is None
        return self._submit(Job(lambda tx: fn(tx, *args, **kwargs), small=small, terms=terms))

    def commit_journaled(
        self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """As commit_small, for work that only files: the journal may make it durable."""
        terms = self._terms()
        small = terms.claim is None
        job = Job(lambda tx: fn(tx, *args, **kwargs), journaled=small, small=small, terms=terms)
        return self._submit(job)

    def commit_small_lazily(
        self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """The same, but a power loss may undo it."""
        return self._submit(Job(lambda tx: fn(tx, *args, **kwargs), durable=False, small=True))

    def _submit(self, job: Job) -> Deferred[Any]:
        return self._writer.submit(job).addErrback(self._failed)

    # --- ending

    @property
    def idle(self) -> bool:
        return self._writer.idle and not self._in_threads and not self._waiting

    def close(self) -> Deferred[None]:
        """Close everything; must be idle."""
        for db in (self._db, self._spare):
            if db is not None:
                db.close(True)
        self._db = self._spare = None
        self._columns.forget(self.record.id)
        return self._writer.close()

    # --- events

    def _failed(self, failure: Failure) -> Failure:
        if failure.value is not None:
            self._notice(failure.value, failure.value.__cause__)
        return failure

    def _notice(self, refused: BaseException, cause: BaseException | None) -> None:
        """Damage is told to the administrator, as its refusal says."""
        if isinstance(refused, Damaged):
            reason = str(cause or refused)
            log.event("store.damaged", level="error", path=str(self.path), reason=reason)

    # those come from writer threads

    def _fenced(self, error: Exception) -> None:
        reason = str(error)
        self._runner.in_reactor(
            lambda: log.event("store.fenced", level="error", path=str(self.path), reason=reason)
        )

    def _log_is_large(self, path: Path, octets: int) -> None:
        self._runner.in_reactor(
            lambda: log.event("store.checkpoint", level="warn", path=str(path), octets=octets)
        )

"""Counting every account anew, in the background, for ever: that the ledgers are right.

Accounts are looked at one by one, each within the configured time, in a reader thread and on a
connection of its own, so nobody waits for it.  Messages, ledger, the account's own numbers and what
the hub knows of the same moment must agree; a difference is an event, and is in the metric until
a later round finds it gone.  Of several processes one audits.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from mailhub import log
from mailhub.model.errors import Damaged, Refusal
from mailhub.model.mail import AccountId, Usage
from mailhub.store.hub import samples
from mailhub.store.hub.database import Tx
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.hub import Hub
from mailhub.store.hub.locks import open_lock_file, try_lock
from mailhub.store.hub.totals import AUDITING
from mailhub.store.migrate import version
from mailhub.store.runner import Runner
from mailhub.store.sqlite.connection import refusals, row
from mailhub.store.sqlite.files import open_for_check

LEDGERED = 2
"""The first schema of account files with a ledger."""
LEAST_SECONDS = 0.05
"""Between two accounts."""
WHOSE_TURN_SECONDS = 60.0
Delay = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Counted:
    """One account at one moment, by four ways of knowing."""

    messages: Usage
    ledger: Usage
    account: Usage
    ledger_seq: int

    def drift(self, hub: Usage | None) -> int:
        """Octets, or messages where only those differ; 0: all agree."""
        known = [self.ledger, self.account] + ([hub] if hub is not None else [])
        octets = max(abs(self.messages.octets - each.octets) for each in known)
        return octets or max(abs(self.messages.messages - each.messages) for each in known)


def count(data: DataDir, account: AccountId) -> Counted | None:
    """None: it has no file yet, or it is damaged, which is told where it is opened.

    Raises Unavailable.
    """
    path = data.account_file(account)
    if not path.exists():
        return None
    try:
        with closing(open_for_check(path)) as db, refusals():
            if version(db) < LEDGERED:  # migrated when it is next opened
                return None
            found = row(
                db,
                "SELECT (SELECT coalesce(sum(content.size), 0) FROM message"
                " JOIN content ON id = content),"
                " (SELECT count(*) FROM message),"
                " (SELECT coalesce(sum(octets), 0) FROM ledger),"
                " (SELECT coalesce(sum(messages), 0) FROM ledger),"
                " octets, messages, ledger_seq FROM account",
            )
    except Damaged:
        return None
    assert found is not None
    return Counted(Usage(*found[:2]), Usage(*found[2:4]), Usage(*found[4:6]), found[6])


class Auditor:
    """*found* is told the octets of drift of everybody together, whenever they change."""

    def __init__(
        self,
        hub: Hub,
        data: DataDir,
        runner: Runner,
        delay: Delay,
        found: Callable[[int], None],
        looked_at: Callable[[Mapping[AccountId, Usage]], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._hub = hub
        self._data = data
        self._runner = runner
        self._delay = delay
        self._found = found
        self._looked_at = looked_at
        self._clock = clock
        self._drift: dict[AccountId, int] = {}
        self._running: Deferred[Any] | None = None
        self.interval = 86_400.0

    def start(self) -> None:
        self._running = Deferred.fromCoroutine(self._run())
        self._running.addErrback(self._ended)

    def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()

    def _ended(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            log.failure("error", failure, what="the quota auditor")

    async def _run(self) -> None:
        lock = open_lock_file(self._data.quota_lock)
        try:
            while not try_lock(lock, AUDITING):
                await self._delay(WHOSE_TURN_SECONDS)
            while True:
                await self.round()
        finally:
            os.close(lock)

    async def round(self) -> None:
        """Everybody once, evenly over the interval."""
        try:
            everybody = await self._hub.read(_everybody)
            await self._hub.write(samples.thin, self._clock(), durable=False)
        except Refusal:
            everybody = []
        pause = max(LEAST_SECONDS, self.interval / max(len(everybody), 1))
        for account in everybody:
            await self._delay(pause)
            await self.look_at(account)
        for gone in set(self._drift) - set(everybody):
            self._note(gone, 0)
        if not everybody:
            await self._delay(WHOSE_TURN_SECONDS)

    async def look_at(self, account: AccountId) -> None:
        try:
            counted = await self._runner.run(count, self._data, account)
            if counted is None:
                return
            known = await self._hub.read(_known, account, counted.ledger_seq)
        except Refusal as trouble:
            log.event("error", level="warn", what=f"auditing {account}: {trouble}")
            return
        drift = counted.drift(known)
        if drift:
            log.event(
                "quota.drift",
                level="error",
                account=account,
                octets=drift,
                messages=str(counted.messages),
                ledger=str(counted.ledger),
                stored=str(counted.account),
                hub=str(known),
            )
        self._note(account, drift)
        await self._looked_at({account: counted.account})

    def _note(self, account: AccountId, drift: int) -> None:
        if drift:
            self._drift[account] = drift
        else:
            self._drift.pop(account, None)
        self._found(sum(self._drift.values()))


def _everybody(tx: Tx) -> list[AccountId]:
    rows = tx.execute("SELECT id FROM account WHERE deleted IS NULL ORDER BY number")
    return [AccountId(str(found[0])) for found in rows]


def _known(tx: Tx, account: AccountId, ledger_seq: int) -> Usage | None:
    """What the hub says of the same moment; None: it has not heard of that yet, or of a later."""
    found = tx.execute(
        "SELECT octets, messages FROM activity JOIN account ON number = account"
        " WHERE id = ? AND ledger_seq = ? AND ledger_seq > 0",
        (account, ledger_seq),
    ).fetchone()
    return None if found is None else Usage(int(str(found[0])), int(str(found[1])))

"""Counting every account anew, in the background, for ever: that the ledgers are right.

Accounts are looked at one by one, each within the configured time, in a reader thread and on a
connection of its own, so nobody waits for it.  Messages, ledger, the account's own numbers and what
the hub knows of the same moment must agree; a difference is an event, and is in the metric until
a later round finds it gone.  Of several processes one audits.

The file is the truth, so the hub follows it: where it is behind, as after a crash, and where it is
ahead, as nothing but an older copy of the file explains.
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
from mailhub.net.locks import open_lock_file, try_lock
from mailhub.store.hub import samples, usage
from mailhub.store.hub.database import Tx
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.hub import Hub
from mailhub.store.hub.totals import AUDITING
from mailhub.store.migrate import version
from mailhub.store.runner import Runner
from mailhub.store.sqlite.connection import refusals, row, rows
from mailhub.store.sqlite.files import open_for_check
from mailhub.store.sqlite.ledger import entries

LEDGERED = 2
"""The first schema of account files with a ledger."""
LEAST_SECONDS = 0.05
"""Between two accounts."""
WHOSE_TURN_SECONDS = 60.0
MOST_SUSPECTS = 10
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


@dataclass(frozen=True, slots=True)
class Heard:
    """What the hub knows."""

    address: str
    usage: Usage
    ledger_seq: int


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


def suspects(data: DataDir, account: AccountId) -> dict[str, list[str]]:
    """Mailboxes whose own numbers are wrong, and the last entries of the ledger; for people."""
    with closing(open_for_check(data.account_file(account))) as db, refusals():
        boxes = rows(
            db,
            "SELECT name, octets, message_count, coalesce(found, 0), coalesce(number, 0)"
            " FROM mailbox LEFT JOIN (SELECT mailbox, sum(content.size) AS found,"
            " count(*) AS number FROM message JOIN content ON id = content GROUP BY mailbox)"
            " ON mailbox.id = mailbox"
            " WHERE (octets, message_count) IS NOT (coalesce(found, 0), coalesce(number, 0))"
            " LIMIT ?",
            (MOST_SUSPECTS,),
        )
        last = entries(db, MOST_SUSPECTS)
    return {
        "mailboxes": [f"{name}: {o} octets in {m}, found {f} in {n}" for name, o, m, f, n in boxes],
        "entries": [
            f"{e.seq} at {e.at}: {e.cause} {e.mailbox or '-'} {e.octets:+} octets, {e.messages:+}"
            for e in last
        ],
    }


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
            before = await self._hub.read(_heard, account)
            counted = await self._runner.run(count, self._data, account)
            after = await self._hub.read(_heard, account)
            if counted is not None and before is not None and after is not None:
                await self._compare(account, before, counted, after)
        except Refusal as trouble:
            log.event("error", level="warn", what=f"auditing {account}: {trouble}")

    async def _compare(
        self, account: AccountId, before: Heard, counted: Counted, after: Heard
    ) -> None:
        """The hub may have heard something newer *after* the file was read, never *before*."""
        same = after.ledger_seq == counted.ledger_seq > 0
        drift = counted.drift(after.usage if same else None)
        if drift:
            log.event(
                "quota.drift",
                level="error",
                account=after.address,
                octets=drift,
                messages=str(counted.messages),
                ledger=str(counted.ledger),
                stored=str(counted.account),
                hub=str(after.usage if same else None),
                **await self._runner.run(suspects, self._data, account),
            )
        self._note(account, drift)
        if before.ledger_seq > counted.ledger_seq:
            log.event(
                "quota.older_file",
                level="warn",
                account=after.address,
                hub=str(before.usage),
                stored=str(counted.account),
            )
            seq = counted.ledger_seq
            await self._hub.write(usage.correct, account, counted.account, seq, durable=False)
        elif after.ledger_seq < counted.ledger_seq:
            self._hub.record_usage(account, counted.account, counted.ledger_seq)
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


def _heard(tx: Tx, account: AccountId) -> Heard | None:
    """None: the account is deleted."""
    found = tx.execute(
        "SELECT local || '@' || domain, octets, messages, ledger_seq FROM activity"
        " JOIN account ON number = activity.account"
        " JOIN address ON address.account = number AND is_primary"
        " WHERE id = ? AND account.deleted IS NULL",
        (account,),
    ).fetchone()
    if found is None:
        return None
    address, octets, messages, ledger_seq = found
    return Heard(str(address), Usage(int(str(octets)), int(str(messages))), int(str(ledger_seq)))

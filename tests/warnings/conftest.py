"""A server's store and hub in files, with the parts that warn; time stands still."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mailhub.config.options import Config, QuotaConfig
from mailhub.interfaces import Incoming
from mailhub.model.mail import AccountId, Usage
from mailhub.model.names import INBOX
from mailhub.model.numbers import EVERYTHING, ModSeq
from mailhub.rules import NO_RULES
from mailhub.service.engine import Engine, open_inline
from mailhub.store.hub import accounts, domains
from mailhub.store.hub.datadir import DataDir
from mailhub.store.roots import QuotaRoots
from mailhub.warnings.tasks import Tasks
from mailhub.warnings.watch import Watch
from tests.harness import run

NOW = 1_700_000_000
QUOTA = QuotaConfig(octets=10_000)


class World:
    def __init__(self, engine: Engine, config: QuotaConfig) -> None:
        self.now = float(NOW)
        self.engine = engine
        clock = lambda: self.now  # noqa: E731
        self.watch = Watch(engine.hub, engine.store, config, clock)
        self.tasks = Tasks(Clock(), engine.hub, engine.store, config, "mail.example.org", clock)
        self.roots = QuotaRoots(engine.hub, engine.store, [])
        with engine.hub.file.write() as tx:
            domains.add(tx, "example.org", NOW)
            self.alice = accounts.add(tx, "alice@example.org", NOW).id
        self.recorded: dict[AccountId, Usage] = {}
        engine.hub.on_recorded = self.recorded.update

    @property
    def account(self) -> Any:
        return run(self.engine.store.account(self.alice))

    def use(self, **options: object) -> None:
        config = replace(self.watch.config, **options)  # type: ignore[arg-type]
        self.watch.config = self.tasks.config = config
        self.engine.hub.quotas.use(config, NO_RULES)

    def file(self, octets: int) -> None:
        """A message, and what a server does a second later."""
        account = self.account
        staging = account.stage(octets)
        run(staging.write(b"x" * octets))
        staged = run(staging.finish())
        run(account.append(INBOX, [Incoming(staged)]))
        staged.release()
        self.settle()

    def empty(self) -> None:
        box = run(self.account.open(INBOX))
        run(box.remove(EVERYTHING))
        self.settle()

    def settle(self) -> None:
        run(self.engine.hub.flush())
        recorded, self.recorded = dict(self.recorded), {}
        self.engine.hub.on_recorded = self.recorded.update
        run(self.watch.look(recorded))

    def work(self) -> None:
        run(self.tasks.do_due())

    def do_due(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.tasks.do_due())

    def inbox(self) -> list[bytes]:
        box = run(self.account.open(INBOX))
        return [run(box.read(uid, 0, 100_000)) for uid in run(box.uids(ModSeq(2**62)))]

    def letters(self) -> list[bytes]:
        return [data for data in self.inbox() if not data.startswith(b"x")]

    def waiting(self) -> list[tuple[str, int, int]]:
        """Tasks: kind, attempts, seconds until they are due."""
        with self.engine.hub.file.read() as tx:
            rows = tx.execute("SELECT kind, attempts, due FROM quota_task ORDER BY id").fetchall()
        return [(str(k), int(str(a)), int(str(d)) - int(self.now)) for k, a, d in rows]

    def alert(self) -> str:
        return run(self.roots.alert(self.account))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    data = DataDir(tmp_path / "data")
    data.prepare()
    engine = open_inline(Config(data_dir=data.path, quota=QUOTA), data)
    yield World(engine, QUOTA)
    run(engine.close())

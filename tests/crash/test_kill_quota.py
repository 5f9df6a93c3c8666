"""Quotas, recounted by hand after random work of several processes that are killed in between.

``MAILHUB_CRASH_ROUNDS`` sets the number of rounds.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from mailhub.model.mail import AccountId
from mailhub.model.quota import Limits
from mailhub.store.audit import count
from mailhub.store.hub import accounts, domains, quota
from mailhub.store.hub.check import check_hub
from mailhub.store.hub.database import HubFile
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.totals import DomainTotals
from mailhub.store.sqlite.check import check_account
from mailhub.store.sqlite.files import open_for_check
from mailhub.store.sqlite.transaction import boot_id
from mailhub.store.usages import file_usage

ROUNDS = int(os.environ.get("MAILHUB_CRASH_ROUNDS", "3"))
PROCESSES = 3
TOTAL = 60_000
LIMIT = 25_000
NOW = 1_700_000_000


def _start(folder: Path, names: list[AccountId], seed: str, steps: int) -> subprocess.Popen[str]:
    arguments = [str(folder), json.dumps(names), seed, str(steps), str(LIMIT)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.quota_work", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _prove(data: DataDir, names: list[AccountId]) -> int:
    """All that is kept; everything that can be counted agrees with it."""
    whole = 0
    for name in names:
        counted = count(data, name)
        if counted is None:
            continue
        assert counted.drift(None) == 0, (name, counted)
        assert counted.messages.octets <= LIMIT
        whole += counted.messages.octets
        db = open_for_check(data.account_file(name))
        assert list(check_account(db)) == []
        db.close()
    assert whole <= TOTAL
    return whole


def _settle(data: DataDir) -> None:
    """Whoever works next does what the dead have left."""
    with ExitStack() as living:
        for _ in range(PROCESSES):  # each takes the place of one of them
            read = partial(file_usage, data)
            totals = DomainTotals(HubFile.open(data.hub_db), data.quota_lock, read, boot_id())
            living.callback(totals.close)
            totals.read_all([])


def _sums(file: HubFile) -> tuple[object, ...] | None:
    """Of the domain, how many claims there are, of the accounts."""
    with file.read() as tx:
        assert check_hub(tx) == []
        return tx.execute(
            "SELECT octets, (SELECT count(*) FROM claim), (SELECT sum(octets) FROM activity)"
            " FROM domain"
        ).fetchone()


def test_after_any_work_and_any_death_every_count_agrees(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.prepare()
    file = HubFile.open(data.hub_db)
    with file.write() as tx:
        domains.add(tx, "example.org", NOW)
        names = [accounts.add(tx, f"u{n}@example.org", NOW).id for n in range(4)]
        quota.set_domain_limits(tx, "example.org", quota.TOTAL, Limits(octets=TOTAL), NOW)
    chances = random.Random(os.environ.get("MAILHUB_CRASH_SEED", "quota"))
    for number in range(ROUNDS):
        workers = [_start(data.path, names, f"{number}/{n}", 100_000) for n in range(PROCESSES)]
        until = time.monotonic() + chances.uniform(0.2, 0.8)
        for each in workers:
            with suppress(subprocess.TimeoutExpired):
                each.wait(max(0, until - time.monotonic()))
            each.send_signal(signal.SIGKILL)
        for each in workers:
            each.communicate()
            assert each.returncode == -signal.SIGKILL
        whole = _prove(data, names)
        _settle(data)
        assert _sums(file) == (whole, 0, whole)
    file.close()

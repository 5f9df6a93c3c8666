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
from pathlib import Path

from mailhub.model.mail import AccountId
from mailhub.model.quota import Limits
from mailhub.store.audit import count
from mailhub.store.hub import accounts, domains, quota
from mailhub.store.hub.check import check_hub
from mailhub.store.hub.database import HubFile
from mailhub.store.hub.datadir import DataDir
from mailhub.store.sqlite.check import check_account
from mailhub.store.sqlite.files import open_for_check

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


def _prove(data: DataDir, file: HubFile, names: list[AccountId]) -> int:
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
        while time.monotonic() < until:
            assert all(each.poll() is None for each in workers)
        for each in workers:
            each.send_signal(signal.SIGKILL)
        for each in workers:
            each.communicate()
        _prove(data, file, names)
    # Whoever works next settles what the dead have left.
    assert _start(data.path, names, "last", 40).wait(60) == 0
    whole = _prove(data, file, names)
    with file.read() as tx:
        row = tx.execute(
            "SELECT octets, (SELECT count(*) FROM claim), (SELECT sum(octets) FROM activity)"
            " FROM domain"
        ).fetchone()
        assert row == (whole, 0, whole)
        assert check_hub(tx) == []
    file.close()

"""The total of a domain: exact, from many threads and processes, and after a crash."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from mailhub.config.options import QuotaConfig, QuotaDomain
from mailhub.model.errors import OverQuota, Unavailable
from mailhub.model.mail import AccountId, Usage
from mailhub.model.quota import Limits, Quota
from mailhub.store.hub import accounts, domains, quota
from mailhub.store.hub import usage as usages
from mailhub.store.hub.database import HubFile
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.terms import LOOK_SECONDS, QuotaTerms
from mailhub.store.hub.totals import DomainTotals
from mailhub.store.usages import file_usage
from tests.store.hub.conftest import NOW

BOOT = "this boot"
QUOTA = Quota(total_octets=1000)


class World:
    """Accounts whose files are entries of :attr:`files`: usage and ledger_seq."""

    def __init__(self, data: DataDir, file: HubFile) -> None:
        self.data = data
        self.file = file
        self.files: dict[AccountId, tuple[Usage, int]] = {}
        self.numbers: dict[AccountId, int] = {}
        with file.write() as tx:
            for name in ("alice", "bob", "carol"):
                account = accounts.add(tx, f"{name}@example.org", NOW)
                self.numbers[account.id] = account.number
        self.alice, self.bob, self.carol = self.numbers
        self._open: list[DomainTotals] = []

    def totals(self, boot: str = BOOT) -> DomainTotals:
        """As another process would have it."""
        made = DomainTotals(
            HubFile.open(self.data.hub_db), self.data.quota_lock, self.files.get, boot
        )
        self._open.append(made)
        return made

    def deliver(self, totals: DomainTotals, account: AccountId, octets: int) -> None:
        """A whole transaction; raises OverQuota."""
        claim = totals.claim(account, self.numbers[account], QUOTA)
        claim.take(octets, 1)
        claim.settle(self.commit(account, octets))

    def commit(self, account: AccountId, octets: int) -> tuple[Usage, int]:
        usage, seq = self.files.get(account, (Usage(0, 0), 0))
        after = Usage(usage.octets + octets, usage.messages + 1)
        self.files[account] = after, seq + 1
        return self.files[account]

    @property
    def sum(self) -> int:
        return sum(usage.octets for usage, _ in self.files.values())

    def recorded(self) -> tuple[int, int]:
        """The hub's sum, and how many claims there are."""
        with self.file.read() as tx:
            row = tx.execute(
                "SELECT octets, (SELECT count(*) FROM claim) FROM domain WHERE name = ?",
                ("example.org",),
            ).fetchone()
        assert row is not None
        return int(str(row[0])), int(str(row[1]))

    def close(self) -> None:
        for each in self._open:
            each.close()


@pytest.fixture
def world(data: DataDir, file: HubFile) -> Iterator[World]:
    world = World(data, file)
    yield world
    world.close()


def test_not_one_octet_too_many(world: World) -> None:
    totals = world.totals()
    world.deliver(totals, world.alice, 600)
    with pytest.raises(OverQuota):
        world.deliver(totals, world.bob, 401)
    world.deliver(totals, world.bob, 400)
    with pytest.raises(OverQuota):
        world.deliver(totals, world.alice, 1)
    assert world.recorded() == (1000, 0)


def test_many_at_once_fill_it_to_the_last_octet(world: World) -> None:
    processes = [world.totals() for _ in range(3)]
    chances = random.Random(7)
    orders = [(chances.choice(processes), chances.choice(list(world.numbers))) for _ in range(60)]

    def deliver(order: tuple[DomainTotals, AccountId]) -> bool:
        try:
            world.deliver(*order, 20)
        except OverQuota:
            return False
        return True

    # The files of one account have one writer at a time, as in the store.
    with ThreadPoolExecutor(12) as pool:
        filed = sum(pool.map(deliver, orders))
    assert filed == 50
    assert world.recorded() == (1000, 0)


def test_nobody_is_refused_while_a_claim_may_come_to_nothing(world: World) -> None:
    first, second = world.totals(), world.totals()
    claim = first.claim(world.alice, world.numbers[world.alice], QUOTA)
    claim.take(900, 1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(world.deliver, second, world.bob, 500)
        claim.settle(None)  # its transaction was rolled back
        waiting.result(timeout=30)
    assert world.recorded() == (500, 0)


def test_a_claim_counts_until_it_is_settled(world: World) -> None:
    totals = world.totals()
    claim = totals.claim(world.alice, world.numbers[world.alice], QUOTA)
    claim.take(900, 1)
    with pytest.raises(OverQuota):
        totals.check(world.file, world.numbers[world.bob], QUOTA, Usage(1001, 1))
    claim.settle(world.commit(world.alice, 900))
    with pytest.raises(OverQuota):
        world.deliver(totals, world.bob, 101)
    world.deliver(totals, world.bob, 100)


def test_removing_makes_room(world: World) -> None:
    totals = world.totals()
    world.deliver(totals, world.alice, 1000)
    claim = totals.claim(world.alice, world.numbers[world.alice], QUOTA)
    claim.hold()
    claim.settle(world.commit(world.alice, -300))
    world.deliver(totals, world.bob, 300)


def test_the_claims_of_a_dead_process_are_settled_by_what_its_files_say(world: World) -> None:
    dead = world.totals()
    for account, octets, committed in ((world.alice, 300, True), (world.bob, 600, False)):
        claim = dead.claim(account, world.numbers[account], QUOTA)
        claim.take(octets, 1)
        if committed:
            world.commit(account, octets)
    os.close(dead._fd)  # the kernel does so for a killed process
    dead._fd = -1
    world.deliver(world.totals(), world.carol, 700)
    assert world.recorded() == (1000, 0)


def test_after_a_power_loss_the_files_are_read_before_mail_is_admitted(world: World) -> None:
    world.deliver(world.totals(), world.alice, 100)
    world.commit(world.alice, 800)  # recorded, and lost with the power
    with pytest.raises(OverQuota):
        world.deliver(world.totals("another boot"), world.bob, 101)
    world.deliver(world.totals("another boot"), world.bob, 100)


def test_the_sum_follows_renames_and_deletions(world: World) -> None:
    totals = world.totals()
    world.deliver(totals, world.alice, 300)
    world.deliver(totals, world.bob, 100)
    with world.file.write() as tx:
        domains.add(tx, "example.net", NOW)
        accounts.rename(tx, world.alice, "alice@example.net", NOW)
    assert world.recorded() == (100, 0)
    with world.file.write() as tx:
        accounts.rename(tx, world.alice, "alice@example.org", NOW)
        accounts.delete(tx, world.bob, NOW)
    assert world.recorded() == (300, 1)  # whose file is read before the next delivery
    world.deliver(totals, world.carol, 0)
    assert world.recorded() == (300, 0)
    with world.file.write() as tx:
        domains.rename(tx, "example.org", "new.example")
        accounts.delete(tx, world.alice, NOW)
        row = tx.execute("SELECT octets FROM domain WHERE name = 'new.example'").fetchone()
    assert row == (0,)


def test_what_an_account_brings_along_is_read_from_its_file(world: World) -> None:
    totals = world.totals()
    world.deliver(totals, world.alice, 300)
    with world.file.write() as tx:
        domains.add(tx, "example.net", NOW)
        guest = accounts.add(tx, "guest@example.net", NOW)
        usages.record(tx, guest.id, Usage(100, 1), 1)
    world.numbers[guest.id] = guest.number
    world.files[guest.id] = (Usage(600, 6), 6)  # the hub has not heard of most of it
    with world.file.write() as tx:
        accounts.rename(tx, guest.id, "guest@example.org", NOW)
    with pytest.raises(OverQuota):
        world.deliver(totals, world.bob, 101)
    world.deliver(totals, world.bob, 100)
    assert world.recorded() == (1000, 0)


def test_who_waits_too_long_is_told_to_try_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailhub.store.hub.totals.PATIENCE_SECONDS", 0.05)
    claim = world.totals().claim(world.alice, world.numbers[world.alice], QUOTA)
    claim.take(900, 1)
    with pytest.raises(Unavailable):
        world.deliver(world.totals(), world.bob, 500)
    claim.settle(None)


def test_limits_are_known_anew_when_another_process_changes_them(
    world: World, data: DataDir, file: HubFile
) -> None:
    inline = HubFile.open(data.hub_db, busy_timeout_ms=0)
    clock = Clock()
    terms = QuotaTerms(data, inline, QuotaConfig(octets=5), clock=clock.seconds)
    assert terms.terms(world.alice).quota.octets == 5
    with file.write() as tx:
        quota.set_limits(tx, world.alice, quota.ADMINISTRATOR, Limits(octets=7), NOW)
    assert terms.terms(world.alice).quota.octets == 5
    assert terms.quota(world.alice).octets == 7
    with file.write() as tx:
        quota.set_limits(tx, world.alice, quota.ADMINISTRATOR, Limits(octets=9), NOW)
    assert terms.terms(world.alice).quota.octets == 7
    clock.advance(LOOK_SECONDS)
    assert terms.terms(world.alice).quota.octets == 9
    terms.close()
    inline.close()


@pytest.mark.parametrize(
    ("said", "octets"),
    [
        ({}, 100),
        ({"configured domain"}, 200),
        ({"configured domain", "domain"}, 300),
        ({"domain", quota.DIRECTORY}, 400),
        ({"domain", quota.DIRECTORY, quota.ADMINISTRATOR}, 0),
    ],
)
def test_the_strongest_source_counts(world: World, said: set[str], octets: int) -> None:
    sections = (QuotaDomain("example.org", octets=200),) if "configured domain" in said else ()
    config = QuotaConfig(octets=100, messages=9, domains=sections)
    with world.file.write() as tx:
        if "domain" in said:
            quota.set_domain_limits(tx, "example.org", quota.ACCOUNT, Limits(octets=300), NOW)
        if quota.DIRECTORY in said:
            quota.set_limits(tx, world.alice, quota.DIRECTORY, Limits(octets=400), NOW)
        if quota.ADMINISTRATOR in said:
            quota.set_limits(tx, world.alice, quota.ADMINISTRATOR, Limits(octets=0), NOW)
        found = quota.effective(quota.sources(tx, world.alice, config), config)
    assert (found.octets, found.messages) == (octets, 9)


# --- real processes, real files -----------------------------------------------------------

WRITER = """
import json, sys
from pathlib import Path
from mailhub.config.options import Config
from mailhub.interfaces import Incoming
from mailhub.model.errors import OverQuota
from mailhub.model.names import INBOX
from mailhub.service.engine import open_inline
from mailhub.store.hub.datadir import DataDir
from tests.harness import run

folder, accounts, count = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
data = DataDir(folder)
engine = open_inline(Config(data_dir=folder), data)
filed = 0
print("ready", flush=True)
sys.stdin.readline()

async def one(name):
    account = await engine.store.account(name)
    staging = account.stage(100)
    await staging.write(b"x" * 100)
    staged = await staging.finish()
    try:
        await account.append(INBOX, [Incoming(staged)])
        return 1
    except OverQuota:
        return 0
    finally:
        staged.release()

for n in range(count):
    done = run(one(accounts[n % len(accounts)]))
    filed += done
    print(done, flush=True)
run(engine.close())
"""


def _writer(folder: Path, names: list[AccountId], count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), json.dumps(names), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def test_processes_that_are_killed_neither_exceed_a_total_nor_lose_room(
    world: World, data: DataDir, file: HubFile
) -> None:
    with file.write() as tx:
        quota.set_domain_limits(tx, "example.org", quota.TOTAL, Limits(octets=3000), NOW)
    names = list(world.numbers)
    writers = [_writer(data.path, [names[n % 3], names[(n + 1) % 3]], 100) for n in range(3)]
    for each in writers:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in writers:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    acknowledged = 0
    victim = writers[0]
    assert victim.stdout is not None
    for _ in range(3):
        acknowledged += int(victim.stdout.readline())
    victim.send_signal(signal.SIGKILL)
    outputs = [each.communicate()[0] for each in writers]
    acknowledged += sum(line == "1" for text in outputs for line in text.split())
    stored = _stored(data, names)
    # What the victim had committed without telling is there as well.
    assert acknowledged * 100 <= stored <= 3000
    assert stored + 100 > 3000
    last = _writer(data.path, names, 3)
    assert set(last.communicate("go\n")[0].split()) == {"ready", "0"}
    assert world.recorded() == (stored, 0)


def _stored(data: DataDir, names: list[AccountId]) -> int:
    found = (file_usage(data, name) for name in names)
    return sum(usage[0].octets for usage in found if usage is not None)

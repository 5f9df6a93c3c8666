"""Random work on the accounts of a domain, until it is done or this process is killed.

It kills itself now and then as well, where hardly a signal from outside would meet it: between a
claim and the COMMIT, and between the COMMIT and the settlement.

python -m tests.crash.quota_work FOLDER '["account", ...]' SEED STEPS OCTETS
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from mailhub.config.options import Config, QuotaConfig
from mailhub.interfaces import IAccount, Incoming
from mailhub.model.errors import Refusal
from mailhub.model.flags import FlagChange
from mailhub.model.mail import AccountId
from mailhub.model.names import INBOX, MailboxName, mailbox_name
from mailhub.model.numbers import ModSeq, NumberSet
from mailhub.service.engine import open_inline
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.totals import DomainClaim
from tests.harness import run

BOXES = (INBOX, mailbox_name("work"), mailbox_name("Trash"))
WORK = ("append", "append", "append", "copy", "move", "expunge", "remove", "delete", "rename")


class Worker:
    def __init__(self, seed: str) -> None:
        self.chances = random.Random(seed)

    async def step(self, account: IAccount) -> None:
        """Raises Refusal: most names do not exist, and the account is often full."""
        box, other = self.chances.choice(BOXES), self.chances.choice(BOXES)
        what = self.chances.choice(WORK)
        if what == "append":
            await self.append(account, box)
        elif what == "delete":
            await account.delete(box)
            await account.create(box)
        elif what == "rename":
            new = other if box != INBOX else mailbox_name(f"old {self.chances.random()}")
            await account.rename(box, new)
        else:
            await self.change(account, what, box, other)

    async def append(self, account: IAccount, box: MailboxName) -> None:
        messages = []
        for _ in range(self.chances.choice([1, 1, 1, 3])):
            octets = self.chances.randrange(1, 3000)
            staging = account.stage(octets)
            await staging.write(b"x" * octets)
            messages.append(Incoming(await staging.finish()))
        try:
            await account.append(box, messages)
        finally:
            for each in messages:
                each.staged.release()

    async def change(
        self, account: IAccount, what: str, box: MailboxName, other: MailboxName
    ) -> None:
        mailbox = await account.open(box)
        uids = list(await mailbox.uids(ModSeq(2**62)))
        some = NumberSet.of(*self.chances.sample(uids, self.chances.randrange(len(uids) + 1)))
        if what == "copy":
            await mailbox.copy(some, other)
        elif what == "move":
            await mailbox.move(some, other)
        elif what == "remove":
            await mailbox.remove(some)
        else:
            await mailbox.store(some, FlagChange.ADD, frozenset({"\\Deleted"}))
            await mailbox.expunge()


def perhaps_die(chances: random.Random) -> None:
    """Make that happen: once in so many changes."""

    def dying(work: Callable[..., None]) -> Callable[..., None]:
        def do(*arguments: object) -> None:
            if chances.random() < 0.01:
                os.kill(os.getpid(), signal.SIGKILL)
            work(*arguments)

        return do

    for name in ("hold", "settle"):  # the one before the COMMIT, the other after it
        setattr(DomainClaim, name, dying(getattr(DomainClaim, name)))


def main() -> None:
    folder, names, seed, steps, octets = sys.argv[1:]
    data = DataDir(Path(folder))
    config = Config(data_dir=data.path, quota=QuotaConfig(octets=int(octets)))
    engine, worker = open_inline(config, data), Worker(seed)
    accounts = [AccountId(name) for name in json.loads(names)]
    for account in accounts:
        for box in BOXES[1:]:
            _try(run(engine.store.account(account)).create(box))
    print("ready", flush=True)
    perhaps_die(random.Random(f"{seed} dies"))
    for _ in range(int(steps)):
        _try(worker.step(run(engine.store.account(worker.chances.choice(accounts)))))
    run(engine.close())


def _try(work: object) -> None:
    try:
        run(work)  # type: ignore[arg-type]
    except Refusal:
        return


if __name__ == "__main__":
    main()

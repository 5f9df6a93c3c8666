"""A process that files mail until it is killed: ``python -m tests.crash.load FOLDER SEED``.

It prints one line per acknowledged change, unbuffered, so that the parent knows what must be
there.  Messages of all sizes go to several mailboxes of two accounts, in real threads.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from twisted.internet import defer, reactor  # noqa: TID251  # a process of its own
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from mailhub.config.options import StoreConfig
from mailhub.interfaces import IAccount, Incoming, IStaged
from mailhub.model.names import mailbox_name
from mailhub.model.numbers import NumberSet
from mailhub.net.agenda import Agenda
from mailhub.store.runner import ThreadRunner
from mailhub.store.sqlite.seams import LocalAccounts, LocalFiles
from mailhub.store.sqlite.store import SqliteStore

ACCOUNTS = ("ann", "bob")
SENDERS = 6
LARGE_EVERY = 15


def message(token: str, random: random.Random) -> bytes:
    octets = 700_000 if random.randrange(LARGE_EVERY) == 0 else random.randrange(5_000)
    body = (b"%s filler\r\n" % token.encode()) * (octets // 20 + 1)
    return b"Subject: %s\r\nMessage-ID: <%s@load>\r\n\r\n" % (token.encode(), token.encode()) + body


def acknowledged(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def stage(account: IAccount, data: bytes) -> IStaged:
    staging = account.stage(len(data))
    await staging.write(data)
    return await staging.finish()


async def send(account: IAccount, name: str, token: str, random: random.Random) -> None:
    """File messages, now and then move or remove one, for ever."""
    for n in range(1_000_000):
        mail = f"{token}-{n}"
        staged = await stage(account, message(mail, random))
        appended = await account.append(mailbox_name("INBOX"), [Incoming(staged)])
        acknowledged("filed", name, mail)
        staged.release()
        choice = random.randrange(6)
        if choice > 1:
            continue
        inbox = await account.open(mailbox_name("INBOX"))
        acknowledged("leaving", name, mail)
        if choice == 0:
            await inbox.move(appended.uids, mailbox_name("Archive"))
            acknowledged("moved", name, mail)
        else:
            await inbox.remove(NumberSet.of(*appended.uids))
            acknowledged("removed", name, mail)


async def main(folder: Path, seed: str) -> None:
    runner = ThreadRunner(IReactorTime(reactor), Agenda(reactor), readers=2, writers=4)
    runner.start()
    accounts = LocalAccounts()
    ids = [accounts.add(f"{name}@example.org") for name in ACCOUNTS]
    config = StoreConfig(min_free=0, expunge_grace=0)
    store = SqliteStore(LocalFiles(folder), accounts, runner, config=config)
    await store.start()
    work = []
    for name, account_id in zip(ACCOUNTS, ids, strict=True):
        account = await store.account(account_id)
        if all(entry.name != "Archive" for entry in await account.mailboxes()):
            await account.create(mailbox_name("Archive"))
        acknowledged("ready")
        for sender in range(SENDERS):
            token = f"{seed}-{sender}"
            chance = random.Random(f"{seed} {name} {sender}")
            work.append(defer.Deferred.fromCoroutine(send(account, name, token, chance)))
    await defer.gatherResults(work)


def died(failure: Failure) -> None:
    failure.printTraceback()
    os._exit(1)


if __name__ == "__main__":
    from twisted.internet.interfaces import IReactorCore

    core = IReactorCore(reactor)
    core.callWhenRunning(
        lambda: defer.Deferred.fromCoroutine(main(Path(sys.argv[1]), sys.argv[2])).addErrback(died)
    )
    core.run()

"""The store as a command uses it: opened in this process, everything in place.

The engine is the same as the server's; its locks keep the two apart, and every commit rings the
bell, so that people's clients see at once what the command did.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mailhub.cli.context import Cli
from mailhub.cli.passwords import verifiers_of
from mailhub.interfaces import IAccount, IMailStore
from mailhub.store.hub import accounts
from mailhub.store.hub.hub import Hub
from mailhub.store.hub.maildrop import MaildropLocks
from mailhub.store.runner import InlineRunner
from mailhub.store.sqlite.store import SqliteStore

T = TypeVar("T")


def open_store(cli: Cli) -> IMailStore:
    """Closed when the command ends."""
    runner = InlineRunner()
    hub = Hub(
        cli.data,
        runner,
        make_verifiers=verifiers_of,
        quota=cli.config.quota,
        rules=cli.rules,
    )
    cli.keep(lambda: immediate(hub.stop()))
    locks = MaildropLocks.open(cli.data.pop3_lock)
    cli.keep(locks.close)
    store = SqliteStore(
        cli.data,
        hub,
        runner,
        config=cli.config.store,
        uidl_format=cli.config.pop3.uidl_format,
        bell=cli.bell,
        locks=locks,
    )
    immediate(store.start())
    cli.keep(lambda: immediate(store.stop()))
    return store


def open_account(cli: Cli, text: str) -> IAccount:
    """The mail of the account a person named, by address or id."""
    with cli.hub.read() as tx:
        found = accounts.find(tx, text)
    return immediate(open_store(cli).account(found.id))


def immediate(awaitable: Awaitable[T]) -> T:
    """The result of what completes in place, as all does on an inline runner."""

    async def wait() -> T:
        return await awaitable

    outcome: list[T | Failure] = []
    Deferred.fromCoroutine(wait()).addBoth(cast(Callable[[object], None], outcome.append))
    if not outcome:
        raise RuntimeError("The store is waiting for something that cannot happen here")
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    return outcome[0]

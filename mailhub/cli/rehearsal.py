"""Everybody who may have mail here, for trying things out: over a copy of hub.db.

The copy is made for one command and thrown away with it, so the server's own code may make accounts
of a directory's people, move addresses and replace verifiers in it, and nothing has happened.
Directories are asked for real, in this process.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, cast

from twisted.internet.task import Clock
from zope.interface import implementer

from mailhub.auth.chain import PasswordSource
from mailhub.auth.directory import DirectoryPasswords
from mailhub.auth.guard import LockoutGuard, ProvedPasswords
from mailhub.cli.context import Cli
from mailhub.cli.passwords import verifiers_of
from mailhub.cli.store import immediate, open_store
from mailhub.directory.directory import Directory
from mailhub.directory.inplace import InPlace
from mailhub.interfaces import IAccount, IAddressBook, ILocalAccounts, IMailStore
from mailhub.model.errors import NoSuchAccount, OverQuota, StorageFull
from mailhub.model.mail import AccountId, MailboxEntry, Usage
from mailhub.model.names import MailboxName
from mailhub.model.steps import Hearer
from mailhub.net.digests import Digests
from mailhub.net.shared import Shared
from mailhub.people.accounts import Accounts
from mailhub.people.adoption import Adoption, Served
from mailhub.people.book import AddressBook
from mailhub.people.freshness import Freshness
from mailhub.store.hub import accounts, quota
from mailhub.store.hub.database import Tx
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.hub import Hub
from mailhub.store.hub.people import HubIdentities
from mailhub.store.runner import InlineRunner

PREFIX = "explain-"
LEFT_SECONDS = 3600


class Rehearsal:
    """*prove*: passwords are sent to directories; otherwise they are taken to be right.

    ``local`` is the hub, ``accounts`` and ``book`` those of directories as well,
    ``passwords`` what the directories say of passwords, by name; ``store`` is for asking whether
    there is room.
    """

    def __init__(self, cli: Cli, steps: Hearer, *, prove: bool) -> None:
        config, clock = cli.config, Clock()
        hub = _copied_hub(cli)
        asked = InPlace(config.directories, prove=prove)
        cli.keep(asked.close)
        directories = {each.name: Directory(each, asked, clock) for each in config.directories}
        identities = HubIdentities(
            hub, {each.name: each.loss_percent for each in config.directories}
        )
        served = [Served(directories[each.name], each.domains) for each in config.directories]
        self.store: IMailStore = _Store(cli, hub, steps)
        adoption = Adoption(identities, self.store, served, _unfurnished)
        freshness = Freshness({each.name: each.refresh for each in config.directories})
        everybody = list(directories.values())
        self.local = hub
        self.accounts: ILocalAccounts = Accounts(hub, adoption, everybody, freshness)
        self.book: IAddressBook = AddressBook(
            hub,
            adoption,
            everybody,
            freshness,
            config.delivery.recipient_delimiter,
            clock.seconds,
        )
        self.passwords: Mapping[str, PasswordSource] = {
            each.name: DirectoryPasswords(
                directories[each.name],
                adoption,
                identities,
                LockoutGuard(clock.seconds, 0, 0),
                ProvedPasswords(clock.seconds, 0),
                Digests(Shared().secret, "passwords"),
                clock,
            )
            for each in config.directories
        }


def _copied_hub(cli: Cli) -> Hub:
    """Removed at the end of the command; what one that was killed has left, here."""
    for left in cli.data.spool.glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < time.time() - LEFT_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
    folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=cli.data.spool)
    cli.keep(folder.cleanup)
    data = DataDir(Path(folder.name))
    data.run.mkdir()
    cli.hub.copy_to(data.hub_db)
    config = cli.config
    hub = Hub(
        data,
        InlineRunner(),
        make_verifiers=verifiers_of,
        delivery=config.delivery,
        lmtp=config.lmtp,
        auth=config.auth,
        quota=config.quota,
        rules=cli.rules,
    )
    cli.keep(lambda: immediate(hub.stop()))
    return hub


@implementer(IMailStore)
class _Store:
    """Tells what limits an account, and whether there is room.  Nothing can be filed."""

    def __init__(self, cli: Cli, hub: Hub, steps: Hearer) -> None:
        self._cli = cli
        self._hub = hub
        self._steps = steps

    async def account(self, account: AccountId) -> IAccount:
        return cast(IAccount, _Account(self._cli, self._hub, self._steps, account))

    def stage(self, size_hint: int = 0) -> NoReturn:
        raise StorageFull


class _Account:
    """As much of one as delivery asks before it files anything."""

    def __init__(self, cli: Cli, hub: Hub, steps: Hearer, account: AccountId) -> None:
        self._cli = cli
        self._hub = hub
        self._steps = steps
        self._account = account

    async def mailboxes(self) -> list[MailboxEntry]:
        try:
            return await (await open_store(self._cli).account(self._account)).mailboxes()
        except NoSuchAccount:
            return []

    async def check_room(self, name: MailboxName, octets: int, messages: int = 1) -> None:
        """Of an account that only the rehearsal has: whether an empty one would have room."""
        sources = await tell_limits(self._cli, self._hub, self._steps, self._account)
        try:
            real = await open_store(self._cli).account(self._account)
        except NoSuchAccount:
            most, _ = sources.limit("octets")
            if most and octets > most:
                raise OverQuota from None
        else:
            await real.check_room(name, octets, messages)


async def tell_limits(cli: Cli, hub: Hub, steps: Hearer, account: AccountId) -> quota.Sources:
    """What limits the account's mail, who says so, and what is used."""
    sources = await hub.read(quota.sources, account, cli.config.quota, cli.rules)
    used = await hub.read(_usage, account)
    for resource, amount in (("octets", used.octets), ("messages", used.messages)):
        most, source = sources.limit(resource)
        steps.add("quota", of=resource, most=most or "no limit", decided_by=source, used=amount)
    return sources


def _usage(tx: Tx, account: AccountId) -> Usage:
    return accounts.get(tx, account).usage


async def _unfurnished(account: IAccount) -> None:
    """No folders either."""

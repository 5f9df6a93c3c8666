"""Everybody who may have mail here, for trying things out: over a copy of hub.db.

The copy is made for one command and thrown away with it, so the server's own code may make accounts
of a directory's people, move addresses and replace verifiers in it, and nothing has happened.
Directories are asked for real, in this process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from twisted.internet.task import Clock
from zope.interface import implementer

from mailhub.auth.chain import PasswordSource
from mailhub.auth.directory import DirectoryPasswords
from mailhub.auth.guard import LockoutGuard, ProvedPasswords
from mailhub.cli.context import Cli
from mailhub.cli.passwords import verifiers_of
from mailhub.cli.store import immediate
from mailhub.directory.directory import Directory
from mailhub.directory.inplace import InPlace
from mailhub.interfaces import IAccount, IAddressBook, ILocalAccounts, IMailStore
from mailhub.model.errors import StorageFull
from mailhub.model.mail import AccountId
from mailhub.people.accounts import Accounts
from mailhub.people.adoption import Adoption, Served
from mailhub.people.book import AddressBook
from mailhub.people.freshness import Freshness
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.hub import Hub
from mailhub.store.hub.people import HubIdentities
from mailhub.store.runner import InlineRunner


class Rehearsal:
    """*prove*: passwords are sent to directories; otherwise they are taken to be right.

    ``local`` are the accounts of the hub, ``accounts`` and ``book`` those of directories as well,
    ``passwords`` what the directories say of passwords, by name.
    """

    def __init__(self, cli: Cli, *, prove: bool) -> None:
        config, clock = cli.config, Clock()
        hub = _copied_hub(cli)
        asked = InPlace(config.directories, prove=prove)
        cli.keep(asked.close)
        directories = {each.name: Directory(each, asked, clock) for each in config.directories}
        identities = HubIdentities(
            hub, {each.name: each.loss_percent for each in config.directories}
        )
        served = [Served(directories[each.name], each.domains) for each in config.directories]
        adoption = Adoption(identities, _NoStore(), served, _unfurnished)
        freshness = Freshness({each.name: each.refresh for each in config.directories})
        everybody = list(directories.values())
        self.local: ILocalAccounts = hub
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
            )
            for each in config.directories
        }


def _copied_hub(cli: Cli) -> Hub:
    """Removed at the end of the command."""
    folder = tempfile.TemporaryDirectory(prefix="explain-", dir=cli.data.spool)
    cli.keep(folder.cleanup)
    data = DataDir(Path(folder.name))
    cli.hub.copy_to(data.hub_db)
    config = cli.config
    hub = Hub(
        data,
        InlineRunner(),
        make_verifiers=verifiers_of,
        delivery=config.delivery,
        lmtp=config.lmtp,
        auth=config.auth,
    )
    cli.keep(lambda: immediate(hub.stop()))
    return hub


@implementer(IMailStore)
class _NoStore:
    """Accounts of a rehearsal have no mail."""

    async def account(self, account: AccountId) -> IAccount:
        return None  # type: ignore[return-value]  # only handed on to _unfurnished

    def stage(self, size_hint: int = 0) -> NoReturn:
        raise StorageFull


async def _unfurnished(account: IAccount) -> None:
    """No folders either."""

"""Everybody who may have mail here, put together: the hub alone, or the hub with directories."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from twisted.internet.interfaces import IReactorTime

from mailhub.auth.chain import PasswordSource
from mailhub.auth.directory import DirectoryPasswords
from mailhub.auth.guard import LockoutGuard, ProvedPasswords
from mailhub.config.options import Config, DirectoryConfig
from mailhub.interfaces import IAddressBook, IDirectory, ILocalAccounts
from mailhub.metrics import Metrics
from mailhub.model.identity import Trust
from mailhub.model.mail import AccountId
from mailhub.net.digests import Digests
from mailhub.net.host import Host
from mailhub.net.shared import Shared
from mailhub.people.accounts import Accounts
from mailhub.people.adoption import Adoption, Served
from mailhub.people.book import AddressBook
from mailhub.people.freshness import Freshness
from mailhub.people.walk import Walker
from mailhub.service.engine import Engine
from mailhub.store.hub import accounts
from mailhub.store.hub.people import HubIdentities
from mailhub.store.hub.removal import remove_files
from mailhub.store.hub.standard import create_standard_folders


@dataclass(frozen=True, slots=True)
class People:
    """``accounts`` tells whose a name is, ``book`` whose an address is.

    ``walkers`` go through the directories while the server runs.
    """

    accounts: ILocalAccounts
    book: IAddressBook
    walkers: Sequence[Walker] = ()
    adoption: Adoption | None = None
    directories: Sequence[tuple[DirectoryConfig, IDirectory]] = ()
    metrics: Metrics | None = None

    def passwords(self, clock: IReactorTime, shared: Shared) -> Mapping[str, PasswordSource]:
        """Who is asked about passwords, by the name of the directory."""
        if self.adoption is None:
            return {}
        return {
            config.name: DirectoryPasswords(
                directory,
                self.adoption,
                self.adoption.identities,
                LockoutGuard(
                    clock.seconds,
                    config.lockout_window,
                    config.lockout_passwords,
                    shared,
                    config.name,
                ),
                ProvedPasswords(clock.seconds, config.credential_cache, shared),
                Digests(shared.secret, "passwords"),
                clock,
                self.metrics,
            )
            for config, directory in self.directories
        }

    def start(self, reactor: IReactorTime) -> None:
        for walker in self.walkers:
            walker.start(reactor)

    def stop(self) -> None:
        for walker in self.walkers:
            walker.stop()


SUSPENDED = "Your account is suspended"


def end_sessions(host: Host, account: AccountId) -> int:
    """Of a suspended account, in this process; returns how many there were."""
    sessions = host.connections.of_account(account)
    for connection in sessions:
        connection.end(SUSPENDED)
    return len(sessions)


def gather(
    config: Config,
    engine: Engine,
    directories: Sequence[IDirectory],
    host: Host,
    suspended_elsewhere: Callable[[AccountId], None] = lambda account: None,
) -> People:
    """*directories* are those of *config*, in its order.

    *suspended_elsewhere* has the other workers end the sessions of an account.
    """
    hub = engine.hub
    if not directories:
        return People(hub, hub)
    pairs = list(zip(config.directories, directories, strict=True))
    losses = {each.name: each.loss_percent for each in config.directories}

    def suspended(account: AccountId) -> None:
        end_sessions(host, account)
        suspended_elsewhere(account)

    identities = HubIdentities(hub, losses, engine.bell.ring, suspended)
    served = [Served(directory, each.domains) for each, directory in pairs]
    adoption = Adoption(identities, engine.store, served, create_standard_folders)
    freshness = Freshness({each.name: each.refresh for each in config.directories})
    delimiter = config.delivery.recipient_delimiter
    return People(
        Accounts(hub, adoption, directories, freshness),
        AddressBook(hub, adoption, directories, freshness, delimiter, host.reactor.seconds),
        _walkers(engine, adoption, pairs, host.metrics),
        adoption,
        pairs,
        host.metrics,
    )


def _walkers(
    engine: Engine,
    adoption: Adoption,
    pairs: Sequence[tuple[DirectoryConfig, IDirectory]],
    metrics: Metrics,
) -> list[Walker]:
    async def remove(account: AccountId) -> None:
        await engine.store.close_account(account)
        await engine.runner.run(remove_files, engine.data, account)
        await engine.hub.write(accounts.removed, account, int(time.time()))

    return [
        Walker(
            adoption,
            directory,
            each.walk_interval,
            each.purge_after,
            remove,
            partial(_tell_trust, metrics, each.name),
        )
        for each, directory in pairs
        if each.walk_interval and each.user_base
    ]


def _tell_trust(metrics: Metrics, directory: str, trust: Trust) -> None:
    metrics.directory_trust(
        directory,
        is_distrusted=trust.distrusted is not None,
        people=trust.people,
        losses=trust.losses,
    )

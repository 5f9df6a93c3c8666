"""Checkers of passwords for Twisted applications that are not mailhub (:mod:`.strcred`).

The same sources and the same chain as in a server, but avatars are named by address, nobody gets an
account, and nothing is started before the first question: when an application reads its
options, there is no reactor yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword, UsernamePassword
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from mailhub.auth.chain import PasswordChain
from mailhub.auth.directory import DirectoryPasswords
from mailhub.auth.guard import LockoutGuard, ProvedPasswords
from mailhub.auth.hashing import HashingThreads
from mailhub.auth.local import LocalPasswords
from mailhub.auth.memory import VerifiedSecrets
from mailhub.auth.policy import Policy
from mailhub.auth.throttle import Throttle
from mailhub.auth.verifiers import make_verifiers
from mailhub.config.load import load, load_directories
from mailhub.config.options import AuthConfig, Config, DirectoryConfig
from mailhub.config.problems import ConfigError, Problem, did_you_mean
from mailhub.directory.directory import Directories
from mailhub.interfaces import ILocalAccounts
from mailhub.interfaces_people import IAdoption, IIdentities
from mailhub.metrics import Metrics
from mailhub.model.directory import Person
from mailhub.model.mail import AccountId, StoredCredentials
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.net.agenda import Agenda
from mailhub.net.digests import Digests
from mailhub.net.shared import Shared
from mailhub.rules import Rules
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.hub import Hub
from mailhub.store.runner import InlineRunner

Opened = tuple[PasswordChain, Callable[[], Any]]
"""A chain, and what ends it."""


@implementer(ICredentialsChecker)
class Checker:
    """*opened* is called with the reactor when somebody logs in for the first time."""

    credentialInterfaces = (IUsernamePassword,)  # noqa: N815 - Twisted's name

    def __init__(self, opened: Callable[[Any], Opened], reactor: Any = None) -> None:
        self._opened = opened
        self._reactor = reactor
        self._chain: PasswordChain | None = None

    def requestAvatarId(self, credentials: IUsernamePassword) -> Deferred[bytes | tuple[()]]:
        if self._chain is None:
            reactor = self._reactor
            if reactor is None:
                from twisted.internet import reactor  # noqa: TID251 - the application's
            self._chain, end = self._opened(reactor)
            reactor.addSystemEventTrigger("before", "shutdown", end)
        name, password = _octets(credentials.username), _octets(credentials.password)
        return self._chain.requestAvatarId(UsernamePassword(name, password))


def local_checker(path: Path, reactor: Any = None) -> Checker:
    """*path*: a configuration file or a data directory.  Raises ConfigError, Refusal."""
    config = Config(data_dir=path) if path.is_dir() else load(path)
    data = DataDir(config.data_dir)
    data.check()

    def opened(reactor: Any) -> Opened:
        hub = Hub(data, InlineRunner(), make_verifiers=make_verifiers, auth=config.auth)
        accounts = _Local(hub)
        hashing = HashingThreads(Agenda(reactor))
        hashing.start()
        clock, auth = reactor.seconds, config.auth
        local = LocalPasswords(
            accounts, hashing, VerifiedSecrets(clock, auth.verified_secret_cache)
        )
        policy = Policy(accounts, Rules(config.policies))
        chain = PasswordChain([local], policy, _throttle(reactor, auth), local.decoy)
        return chain, hashing.stop

    return Checker(opened, reactor)


def directory_checker(path: Path, name: str = "", reactor: Any = None) -> Checker:
    """Of the ``[[directory]]`` sections in *path*.  Raises ConfigError."""
    configs = _named(load_directories(path), name, path)

    def opened(reactor: Any) -> Opened:
        shared, metrics = Shared(), Metrics()
        directories = Directories(reactor, Agenda(reactor), configs, metrics)
        directories.start()
        sources = [
            DirectoryPasswords(
                directory,
                cast(IAdoption, _Unadopted()),
                cast(IIdentities, None),  # asked about remembered passwords only
                LockoutGuard(
                    reactor.seconds,
                    config.lockout_window,
                    config.lockout_passwords,
                    shared,
                    config.name,
                ),
                ProvedPasswords(reactor.seconds, 0, shared),
                Digests(shared.secret, "passwords"),
                reactor,
                metrics,
            )
            for config, directory in zip(configs, directories.all, strict=True)
        ]
        policy = Policy(cast(ILocalAccounts, None))  # asked by master users only
        chain = PasswordChain(
            sources, policy, _throttle(reactor, AuthConfig()), lambda password: succeed(None)
        )
        return chain, directories.stop

    return Checker(opened, reactor)


@implementer(ILocalAccounts)
class _Local:
    """The hub's accounts, known by address; their verifiers are mailhub's to replace."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def credentials(self, login: str) -> StoredCredentials | None:
        stored = await self._hub.credentials(login)
        return stored and replace(stored, account=AccountId(stored.address))

    async def replace_verifiers(self, account: AccountId, password: str) -> None:
        """Not here."""


class _Unadopted:
    async def adopt(self, person: Person, steps: Hearer = UNHEARD) -> StoredCredentials:
        """As if they had an account."""
        address = person.addresses[0].lower() if person.addresses else person.dn
        return StoredCredentials(
            AccountId(address), address, True, (), person.directory, person.groups
        )


def _named(configs: Sequence[DirectoryConfig], name: str, path: Path) -> Sequence[DirectoryConfig]:
    found = [config for config in configs if not name or config.name == name]
    if found:
        return found
    if not name:
        raise ConfigError([Problem("", "has no [[directory]]", file=path)])
    hint = did_you_mean(name, [config.name for config in configs])
    raise ConfigError([Problem("", f"has no directory {name}", hint, file=path)])


def _throttle(reactor: Any, auth: AuthConfig) -> Throttle:
    return Throttle(reactor.seconds, auth.throttle_attempts, auth.throttle_window)


def _octets(text: object) -> bytes:
    """Applications pass either; what is no UTF-8 is refused by the chain."""
    if isinstance(text, str):
        return text.encode("utf-8", "surrogateescape")
    return bytes(cast(bytes, text))

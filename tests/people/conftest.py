"""A hub and a store in files, a directory in memory, and what stands between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailhub.config.options import Config, DirectoryConfig
from mailhub.interfaces import IMailStore
from mailhub.model.directory import Person
from mailhub.model.mail import Recipient, StoredCredentials
from mailhub.model.steps import Steps
from mailhub.people.accounts import Accounts
from mailhub.people.adoption import Adoption, Served
from mailhub.people.book import AddressBook
from mailhub.people.freshness import Freshness
from mailhub.people.walk import Walker
from mailhub.service.engine import Engine, open_inline
from mailhub.store.hub import accounts, domains
from mailhub.store.hub.accounts import Account
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.people import HubIdentities
from mailhub.store.hub.standard import create_standard_folders
from tests.directory_fake import FakeDirectory
from tests.harness import run

NOW = 1_700_000_000
REFRESH = DirectoryConfig("corp").refresh
PURGE_AFTER = 90 * 86_400.0


class World:
    """Time stands still until :attr:`now` is changed."""

    def __init__(self, engine: Engine, directory: FakeDirectory) -> None:
        self.now = float(NOW)
        self.engine = engine
        self.directory = directory
        self.rung: list[int] = []
        hub = engine.hub
        clock = lambda: self.now  # noqa: E731
        self.lost: list[str] = []
        self.removed: list[str] = []
        self.identities = HubIdentities(
            hub, {"corp": 10.0}, self.rung.append, self.lost.append, clock
        )
        served = [Served(directory, directory.domains)]
        self.adoption = Adoption(self.identities, engine.store, served, create_standard_folders)
        freshness = Freshness({"corp": REFRESH}, clock)
        self.accounts = Accounts(hub, self.adoption, [directory], freshness)
        self.book = AddressBook(hub, self.adoption, [directory], freshness, "+", clock)
        self.walker = Walker(self.adoption, directory, 3600.0, PURGE_AFTER, self.remove)
        self.steps = Steps()

    async def remove(self, account: str) -> None:
        self.removed.append(account)

    @property
    def store(self) -> IMailStore:
        return self.engine.store

    def adopt(self, person: Person) -> StoredCredentials:
        return run(self.adoption.adopt(person, self.steps))

    def recipient(self, address: str) -> Recipient | None:
        return run(self.book.recipient(address, self.steps))

    def credentials(self, login: str) -> StoredCredentials | None:
        return run(self.accounts.credentials(login, self.steps))

    def walk(self) -> bool:
        return run(self.walker.walk())

    def local(self, address: str) -> Account:
        with self.engine.hub.file.write() as tx:
            return accounts.add(tx, address, NOW)

    def account(self, address: str) -> Account:
        with self.engine.hub.file.read() as tx:
            return accounts.by_address(tx, address)

    def addresses(self, account: str) -> list[str]:
        with self.engine.hub.file.read() as tx:
            rows = tx.execute(
                "SELECT local || '@' || domain FROM address JOIN account ON number = account"
                " WHERE id = ? ORDER BY is_primary DESC, 1",
                (account,),
            ).fetchall()
        return [str(row[0]) for row in rows]

    def later(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def directory() -> FakeDirectory:
    return FakeDirectory(domains=["example.org"])


@pytest.fixture
def world(tmp_path: Path, directory: FakeDirectory) -> Iterator[World]:
    data = DataDir(tmp_path / "data")
    data.prepare()
    engine = open_inline(Config(data_dir=data.path), data)
    with engine.hub.file.write() as tx:
        domains.add(tx, "example.org", NOW)
    yield World(engine, directory)
    run(engine.close())

"""Figures of domains: of those that there are, and of no more than metrics may have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from twisted.internet.task import Clock

from mailhub.config.options import Config, QuotaConfig, QuotaDomain
from mailhub.metrics import Metrics
from mailhub.net.host import Host
from mailhub.service import quotas
from mailhub.service.engine import Engine, open_inline
from mailhub.service.quotas import Quotas
from mailhub.store.hub import domains
from mailhub.store.hub.datadir import DataDir
from tests.harness import run

NOW = 1_700_000_000


class World:
    def __init__(self, config: Config, engine: Engine) -> None:
        self.engine = engine
        self.metrics = Metrics()
        host = SimpleNamespace(metrics=self.metrics, reactor=Clock(), hostname="mail.example.org")
        self.quotas = Quotas(config, engine, cast(Host, host))

    def tell(self) -> None:
        run(cast(Any, self.quotas)._read_figures())

    def accounts(self, domain: str) -> float | None:
        name = "mailhub_domain_accounts"
        return self.metrics.registry.get_sample_value(name, {"domain": domain})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    data = DataDir(tmp_path / "data")
    data.prepare()
    domain = QuotaDomain("a.example", total_octets=77)
    config = Config(data_dir=data.path, quota=QuotaConfig(domains=(domain,)))
    engine = open_inline(config, data)
    with engine.hub.file.write() as tx:
        for name in ("a", "b", "c", "d"):
            domains.add(tx, f"{name}.example", NOW)
            tx.execute("UPDATE domain SET octets = 5, messages = 1")
    yield World(config, engine)
    run(engine.close())


def test_a_domain_that_is_gone_has_no_figures(world: World) -> None:
    world.tell()
    limit = world.metrics.registry.get_sample_value(
        "mailhub_domain_limit_octets", {"domain": "a.example"}
    )
    assert limit == 77
    with world.engine.hub.file.write() as tx:
        domains.rename(tx, "b.example", "e.example")
    world.tell()
    assert world.accounts("b.example") is None
    assert world.accounts("e.example") == 0
    with world.engine.hub.file.write() as tx:
        domains.rename(tx, "e.example", "b.example")
    world.tell()
    assert world.accounts("b.example") == 0


def test_beyond_the_bound_domains_are_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "MOST_DOMAINS", 2)
    world.tell()
    octets = world.metrics.registry.get_sample_value("mailhub_domain_octets", {"domain": "other"})
    assert octets == 10
    assert world.accounts("b.example") == 0
    assert world.accounts("c.example") is None

"""Quotas that administrators set by a protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailhub.config.options import Config
from mailhub.model.errors import NoSuchQuotaRoot
from mailhub.model.quota import Limits
from mailhub.service.engine import Engine, open_inline
from mailhub.store.hub import accounts, domains, quota
from mailhub.store.hub.datadir import DataDir
from mailhub.store.roots import QuotaRoots
from tests.harness import run

ALICE, NOW = "alice@example.org", 1_700_000_000


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    data = DataDir(tmp_path / "data")
    data.prepare()
    engine = open_inline(Config(data_dir=data.path), data)
    with engine.hub.file.write() as tx:
        domains.add(tx, "example.org", NOW)
        accounts.add(tx, ALICE, NOW)
    yield engine
    run(engine.close())


def test_what_the_protocol_has_no_word_for_stays_as_it_was(engine: Engine) -> None:
    roots = QuotaRoots(engine.hub, engine.store, [])
    with engine.hub.file.write() as tx:
        account = accounts.by_address(tx, ALICE).id
        before = Limits(octets=1, mailbox_messages=3, message_octets=5000)
        quota.set_limits(tx, account, quota.ADMINISTRATOR, before, NOW)
    status = run(roots.set_limits(ALICE, Limits(octets=0, messages=7, mailboxes=0), "admin"))
    with engine.hub.file.read() as tx:
        said = quota.said_by(tx, account, quota.ADMINISTRATOR)
    assert said == Limits(0, 7, 0, mailbox_messages=3, message_octets=5000)
    assert (status.quota.octets, status.quota.messages) == (0, 7)
    assert status.quota.message_octets == 5000


@pytest.mark.parametrize("name", ["", "bob@example.org", "alice", "@", "\ufffd@example.org"])
def test_nothing_else_is_a_root(engine: Engine, name: str) -> None:
    roots = QuotaRoots(engine.hub, engine.store, [])
    with pytest.raises(NoSuchQuotaRoot):
        run(roots.status(name))
    with pytest.raises(NoSuchQuotaRoot):
        run(roots.set_limits(name, Limits(octets=1), "admin"))

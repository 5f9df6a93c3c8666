"""The first start of the embedded set-up."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailhub.auth.verifiers import verify
from mailhub.config.load import embedded_config
from mailhub.interfaces import IAccount
from mailhub.model.mail import AccountId
from mailhub.model.names import INBOX, MailboxName
from mailhub.samples import messages
from mailhub.service import embedded
from mailhub.service.embedded import ACCOUNTS, first_start
from mailhub.service.engine import Engine, open_inline
from mailhub.store.hub import accounts, domains
from mailhub.store.hub.datadir import DataDir
from tests.harness import run


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path / "var")
    made.prepare()
    return made


def start(data: DataDir) -> dict[str, str]:
    return dict(first_start(embedded_config(data.path), data))


def opened(data: DataDir) -> Engine:
    return open_inline(embedded_config(data.path), data)


def account(engine: Engine, address: str) -> AccountId:
    with engine.hub.file.read() as tx:
        return accounts.by_address(tx, address).id


def mail(engine: Engine, address: str) -> IAccount:
    return run(engine.store.account(account(engine, address)))


def counts(engine: Engine, address: str) -> dict[MailboxName, int]:
    owner = mail(engine, address)
    return {
        entry.name: run(owner.status(entry.name)).exists
        for entry in run(owner.mailboxes())
        if entry.id is not None
    }


def test_the_passwords_that_are_told_are_right(data: DataDir) -> None:
    passwords = start(data)
    assert set(passwords) == set(ACCOUNTS)
    engine = opened(data)
    for address, password in passwords.items():
        stored = run(engine.hub.credentials(address))
        assert stored is not None
        assert verify(stored.verifiers[0], password)
    run(engine.close())


def test_every_sample_is_filed_with_its_flags_and_date(data: DataDir) -> None:
    start(data)
    engine = opened(data)
    filed = counts(engine, ACCOUNTS[0])
    assert sum(filed.values()) == len(messages())
    wanted = [sample for sample in messages() if sample.mailbox == INBOX]
    inbox = run(mail(engine, ACCOUNTS[0]).open(INBOX))
    assert run(inbox.status()).unseen == sum("\\Seen" not in s.flags for s in wanted)
    assert sum(counts(engine, ACCOUNTS[1]).values()) == 0
    run(engine.close())


def test_a_second_start_makes_nothing_and_tells_nothing(data: DataDir) -> None:
    start(data)
    engine = opened(data)
    before = counts(engine, ACCOUNTS[0])
    run(engine.close())
    assert start(data) == {}
    engine = opened(data)
    assert counts(engine, ACCOUNTS[0]) == before
    run(engine.close())


@pytest.mark.parametrize("step", ["create_standard_folders", "_file", "_set_password"])
def test_a_first_start_that_broke_off_is_finished_by_the_next(
    data: DataDir, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class PowerCut(Exception):
        pass

    def fail(*arguments: object) -> None:
        raise PowerCut

    with monkeypatch.context() as broken:
        broken.setattr(embedded, step, fail)
        with pytest.raises(PowerCut):
            start(data)
    assert set(start(data)) == set(ACCOUNTS)
    engine = opened(data)
    assert sum(counts(engine, ACCOUNTS[0]).values()) == len(messages())
    run(engine.close())


def test_what_an_administrator_has_set_up_is_left_alone(data: DataDir) -> None:
    engine = opened(data)
    with engine.hub.file.write() as tx:
        domains.add(tx, "example.net", 0)
    run(engine.close())
    assert start(data) == {}
    engine = opened(data)
    with engine.hub.file.read() as tx:
        assert accounts.all_accounts(tx) == []
    run(engine.close())

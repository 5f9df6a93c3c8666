"""A disk that is really full: clean refusals, deleting works, and mail again when there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailhub.interfaces import IAccount
from mailhub.model.errors import StorageFull, Unavailable
from mailhub.model.names import INBOX
from mailhub.model.numbers import EVERYTHING, NumberSet
from tests.harness import run
from tests.store.contract import MESSAGE, uids
from tests.store.sqlite.test_store import House

LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 20_000
SIZE = 64 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = tmp_path / "disk"
    mount.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(mount)], check=False
        ).returncode
    ):
        pytest.skip("mounting a small file system needs root")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def filled(house: House, account: IAccount) -> int:
    """How many messages were filed before one was refused for now."""
    filed = 0
    while True:
        house.clock.now += 2
        try:
            house.append(account, LARGE)
        except Unavailable:
            return filed
        filed += 1


def test_a_full_disk_refuses_cleanly_and_deleting_makes_room(small_disk: Path) -> None:
    house = House(small_disk, min_free=0, expunge_grace=0)
    account = house.account()
    filed = filled(house, account)
    assert filed > 5
    inbox = run(account.open(INBOX))
    assert uids(inbox) == list(range(1, filed + 1))
    for _ in range(3):
        with pytest.raises(Unavailable):
            house.append(account, LARGE)

    run(house.store.stop())
    house.prove(account)


def test_with_space_kept_back_deleting_works_and_mail_comes_again(small_disk: Path) -> None:
    house = House(small_disk, min_free=24 * 1024 * 1024, expunge_grace=0)
    account = house.account()
    filed = filled(house, account)
    with pytest.raises(StorageFull):
        house.append(account, LARGE)
    inbox = run(account.open(INBOX))

    assert len(run(inbox.remove(NumberSet(((1, filed - 1),))))) == filed - 1
    house.clock.now += 100
    house.store.upkeep()
    run(house.store.close_account(account.id))
    house.clock.now += 100
    house.append(account, MESSAGE)

    assert len(uids(run(account.open(INBOX)))) == 2
    run(run(account.open(INBOX)).remove(EVERYTHING))
    run(house.store.stop())
    house.prove(account)

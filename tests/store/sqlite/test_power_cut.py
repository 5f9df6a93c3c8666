"""What an account is like after the power has failed.

``MAILHUB_CRASH_ROUNDS`` says how many histories; the default is what the suite has time for.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailhub.interfaces import IAccount
from mailhub.model.flags import FlagChange
from mailhub.model.names import INBOX, mailbox_name
from mailhub.model.numbers import EVERYTHING, NumberSet
from mailhub.store.sqlite import journal, transaction
from tests.harness import run
from tests.store.sqlite.powercut import power
from tests.store.sqlite.test_store import House

HISTORIES = int(os.environ.get("MAILHUB_CRASH_ROUNDS", "8"))
BOOTS = 3
ARCHIVE = mailbox_name("Archive")


@dataclass
class Told:
    """What the store has acknowledged."""

    filed: dict[str, str] = field(default_factory=dict)
    """Message to mailbox."""
    modseq: int = 0


def live(house: House, account: IAccount, told: Told, chance: random.Random, boot: int) -> None:
    """Some changes, each acknowledged."""
    inbox = run(account.open(INBOX))
    for n in range(chance.randrange(1, 25)):
        mail = f"m{boot}x{n}"
        size = chance.choice((10, 5_000, 300_000))
        house.append(account, b"Subject: %s\r\n\r\n%s" % (mail.encode(), b"x" * size))
        told.filed[mail] = INBOX
        if chance.random() < 0.5:
            # May be lost with the power, but its modseq must not be given to something else.
            run(inbox.store(EVERYTHING, FlagChange.ADD, frozenset({chance.choice("abc")})))
        if chance.random() < 0.3:
            newest = run(inbox.status()).uidnext - 1
            run(inbox.move(NumberSet.of(newest), ARCHIVE))
            told.filed[mail] = ARCHIVE
        told.modseq = max(run(inbox.status()).highest_modseq, told.modseq)


def places(house: House, account: IAccount) -> dict[str, str]:
    found = house.inside(
        account,
        "SELECT c.subject, b.name FROM message AS m JOIN mailbox AS b ON b.id = m.mailbox"
        " JOIN content AS c ON c.id = m.content",
    )
    where = {str(subject): str(box) for subject, box in found}
    assert len(where) == len(found), "something is there twice"
    return where


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_what_was_acknowledged_survives_and_no_modseq_is_given_twice(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, told = random.Random(seed), Told()
    monkeypatch.setattr(journal, "FILE_OCTETS", chance.choice((10_000, 40_000, 1_000_000)))
    folder = tmp_path / "boot0"
    folder.mkdir()
    for boot in range(BOOTS):
        monkeypatch.setattr(transaction, "boot_id", lambda boot=boot: f"boot {boot}")
        with power() as source:
            house = House(folder, expunge_grace=0, min_free=0)
            account = house.account()
            if boot == 0:
                run(account.create(ARCHIVE))
            live(house, account, told, chance, boot)
            after = tmp_path / f"boot{boot + 1}"
            source.cut(folder, after, chance)
            run(house.store.stop())
        folder = after
        monkeypatch.setattr(transaction, "boot_id", lambda boot=boot: f"boot {boot + 1}")
        house = House(folder, expunge_grace=0, min_free=0)
        account = house.account()
        house.prove(account)
        assert places(house, account) == told.filed
        house.append(account, b"Subject: back%d\r\n\r\n" % boot)
        told.filed[f"back{boot}"] = INBOX
        (newest,) = house.inside(account, "SELECT max(modseq) FROM message")
        assert int(str(newest[0])) > told.modseq
        run(house.store.stop())

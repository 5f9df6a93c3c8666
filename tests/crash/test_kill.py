"""kill -9 in the middle of filing, again and again: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import collections
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import apsw

from mailhub.store.sqlite.check import check_account
from mailhub.store.sqlite.files import open_for_check
from mailhub.store.sqlite.seams import LocalFiles
from tests.crash.load import ACCOUNTS

ROUNDS = int(os.environ.get("MAILHUB_CRASH_ROUNDS", "6"))
ROOT = Path(__file__).parents[2]


def killed_after(folder: Path, seed: str, lines: int) -> list[list[str]]:
    """What a loading process acknowledged before it was killed, at least *lines* lines."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.load", str(folder), seed],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    told += process.stdout.readlines()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL, "the load ended by itself"
    return [line.decode().split() for line in told if line.endswith(b"\n")]


class Expected:
    """By (account, message): in which mailboxes it may be, and whether it must be there."""

    def __init__(self) -> None:
        self.boxes: dict[tuple[str, str], set[str | None]] = {}

    def take(self, told: list[list[str]]) -> None:
        for what, *words in told:
            if what == "ready":
                continue
            key = (words[0], words[1])
            if what == "leaving":
                self.boxes[key] = {"INBOX", "Archive", None}
            else:
                self.boxes[key] = {{"filed": "INBOX", "moved": "Archive", "removed": None}[what]}


def found(db: apsw.Connection) -> dict[str, list[str]]:
    """Message to the mailboxes it is in."""
    where = collections.defaultdict(list)
    for box, subject in db.execute(
        "SELECT b.name, c.subject FROM message AS m JOIN mailbox AS b ON b.id = m.mailbox"
        " JOIN content AS c ON c.id = m.content"
    ):
        where[str(subject)].append(str(box))
    return where


def test_what_was_acknowledged_is_there_once_and_nothing_is_half_there(tmp_path: Path) -> None:
    chance = random.Random(7)
    expected = Expected()
    for crash in range(ROUNDS):
        told = killed_after(tmp_path, f"r{crash}", chance.randrange(3, 150))
        expected.take(told)
        for number, name in enumerate(ACCOUNTS, 1):
            path = LocalFiles(tmp_path).account_file(f"{number:08x}")  # type: ignore[arg-type]
            if not path.exists():
                assert not [key for key in expected.boxes if key[0] == name]
                continue
            db = open_for_check(path)
            assert check_account(db) == []
            where = found(db)
            db.close()
            for (account, mail), allowed in expected.boxes.items():
                if account == name:
                    assert next(iter(where.get(mail, [])), None) in allowed, mail
            assert all(len(boxes) == 1 for boxes in where.values()), "something is there twice"
    assert len(expected.boxes) > ROUNDS

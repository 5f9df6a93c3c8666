from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailhub.model.errors import InUse
from mailhub.store.hub.maildrop import MaildropLocks

HOLDER = """
import sys
from pathlib import Path
from mailhub.store.hub.maildrop import MaildropLocks
release = MaildropLocks.open(Path(sys.argv[1])).lock(7)
print("locked", flush=True)
sys.stdin.readline()
release()
print("released", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pop3.lock"


@pytest.fixture
def locks(path: Path) -> Iterator[MaildropLocks]:
    locks = MaildropLocks.open(path)
    yield locks
    locks.close()


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process, holding the lock of account 7."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"locked\n"
        yield process
        process.kill()


def test_a_maildrop_is_locked_once_within_a_process(locks: MaildropLocks) -> None:
    release = locks.lock(7)
    with pytest.raises(InUse):
        locks.lock(7)
    locks.lock(8)
    release()
    again = locks.lock(7)
    release()
    with pytest.raises(InUse):
        locks.lock(7)
    again()


def test_a_maildrop_is_locked_once_between_processes(
    locks: MaildropLocks, holder: subprocess.Popen[bytes]
) -> None:
    with pytest.raises(InUse):
        locks.lock(7)
    locks.lock(8)
    assert holder.stdin
    assert holder.stdout
    holder.stdin.write(b"\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == b"released\n"
    locks.lock(7)


def test_a_killed_process_releases_its_locks(
    locks: MaildropLocks, holder: subprocess.Popen[bytes]
) -> None:
    holder.kill()
    holder.wait()
    locks.lock(7)


def test_opening_and_closing_the_file_elsewhere_keeps_the_locks(
    locks: MaildropLocks, path: Path
) -> None:
    """POSIX locks would be gone."""
    locks.lock(7)
    os.close(os.open(path, os.O_RDWR))
    other = MaildropLocks.open(path)
    with pytest.raises(InUse):
        other.lock(7)
    other.close()
    other.close()


def test_large_account_numbers_have_locks_too(locks: MaildropLocks) -> None:
    locks.lock(2**40)()


def test_a_release_after_closing_does_no_harm(path: Path) -> None:
    locks = MaildropLocks.open(path)
    release = locks.lock(7)
    locks.close()
    release()

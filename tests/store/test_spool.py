"""Messages on their way in: memory, files, prefixes, and disks that are full."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mailhub.mime.scanner import analyse
from mailhub.model.errors import StorageFull, Unavailable
from mailhub.store.runner import InlineRunner
from mailhub.store.spool import Staged, Staging
from tests.harness import run

SMALL = b"Subject: small\r\n\r\nhello\r\n"
LARGE = b"Subject: large\r\nContent-Type: text/plain\r\n\r\n" + b"0123456789abcde\n" * 100_000


class Space:
    full = False

    def check(self, octets: int) -> None:
        if self.full:
            raise StorageFull


@pytest.fixture
def space() -> Space:
    return Space()


@pytest.fixture
def staging(tmp_path: Path, space: Space) -> Staging:
    return Staging(tmp_path, InlineRunner(), space.check)


def staged(staging: Staging, data: bytes, piece: int = 50_000) -> Staged:
    for start in range(0, len(data), piece):
        run(staging.write(data[start : start + piece]))
    return run(staging.finish())


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("data", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
@pytest.mark.parametrize("piece", [7_001, 65_536, 300_000, 10_000_000])
def test_a_message_is_kept_and_analysed_however_it_arrives(
    staging: Staging, data: bytes, piece: int
) -> None:
    message = staged(staging, data, piece)

    assert message.size == len(data)
    assert message.read(0, len(data) + 10) == data
    assert message.read(5, 9) == data[5:14]
    assert message.analysis == analyse(data)
    message.release()


def test_small_messages_need_no_file(staging: Staging) -> None:
    before = open_files()

    message = staged(staging, SMALL)

    assert open_files() == before
    message.release()


def test_a_spool_file_has_no_name_and_goes_with_the_last_who_holds_it(
    staging: Staging, tmp_path: Path
) -> None:
    before = open_files()
    message = staged(staging, LARGE)
    other = message.with_prefix(b"Return-Path: <a@b>\r\n")
    assert os.listdir(tmp_path) == []
    assert open_files() == before + 1

    message.release()
    message.release()
    assert other.read(0, 40) == (b"Return-Path: <a@b>\r\n" + LARGE)[:40]
    other.release()

    assert open_files() == before


def test_a_file_system_without_nameless_files_will_do(
    staging: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def no_tmpfile(path: str | Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "not here")
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", no_tmpfile)
    message = staged(staging, LARGE)

    assert message.read(0, len(LARGE)) == LARGE
    assert os.listdir(tmp_path) == []
    message.release()


def test_discarding_at_any_time_leaves_nothing(staging: Staging) -> None:
    before = open_files()
    run(staging.write(LARGE))
    staging.discard()
    staging.discard()

    assert open_files() == before


def test_discarding_after_the_end_is_harmless(staging: Staging) -> None:
    message = staged(staging, LARGE)
    staging.discard()

    assert message.read(0, 10) == LARGE[:10]
    message.release()


def test_a_released_file_cannot_be_read_by_mistake(staging: Staging) -> None:
    message = staged(staging, LARGE)
    message.release()

    with pytest.raises(ValueError, match="after its release"):
        message.read(0, 1)


@pytest.mark.parametrize("prefix", [b"Received: by x\r\n", b"Subject: another\r\n"])
@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_prefix_changes_the_analysis_as_if_it_had_come_so(
    staging: Staging, data: bytes, prefix: bytes
) -> None:
    message = staged(staging, data)
    other = message.with_prefix(prefix)
    third = other.with_prefix(prefix)

    assert other.analysis == analyse(prefix + data)
    assert other.read(3, 100) == (prefix + data)[3:103]
    assert third.read(0, third.size) == prefix + prefix + data
    for one in (message, other, third):
        one.release()


def test_no_space_refuses_and_discards(staging: Staging, space: Space) -> None:
    before = open_files()
    run(staging.write(LARGE[:300_000]))
    space.full = True

    with pytest.raises(StorageFull):
        run(staging.write(LARGE[:300_000]))
    assert open_files() == before


@pytest.mark.parametrize(
    ("number", "refusal"),
    [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EIO, Unavailable)],
)
def test_a_disk_that_fails_refuses_and_discards(
    staging: Staging, monkeypatch: pytest.MonkeyPatch, number: int, refusal: type[Exception]
) -> None:
    before = open_files()

    def fail(fd: int, data: bytes) -> int:
        raise OSError(number, "injected")

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(refusal) as caught:
        run(staging.write(LARGE))

    assert type(caught.value) is refusal
    assert open_files() == before

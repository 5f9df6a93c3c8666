"""The file of small records: bounded, found by key, whole or absent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailhub.net.locks import open_lock_file, wait_lock
from mailhub.store.hub.slots import WAYS, SlotFile

BUCKETS, OCTETS = 4, 128


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "slots"


@pytest.fixture
def slots(path: Path) -> Iterator[SlotFile]:
    slots = SlotFile(path, BUCKETS, OCTETS)
    yield slots
    slots.close()


def test_what_was_put_is_found_until_newer_records_take_its_place(slots: SlotFile) -> None:
    keys = [f"r-{n:08}" for n in range(1000)]
    for when, key in enumerate(keys):
        slots.put(key, key.encode(), float(when))

    assert slots.get(keys[-1]) == keys[-1].encode()
    assert slots.get(keys[0]) is None
    found = sorted(slots.all())
    assert len(found) == BUCKETS * WAYS
    assert found[0][0] > 1000 - 4 * BUCKETS * WAYS  # nearly the latest, whatever the key


def test_the_same_key_keeps_its_place(slots: SlotFile) -> None:
    for n in range(20):
        slots.change("a", lambda old: (old or b"") + b"x", float(n))
    assert list(slots.all()) == [(19.0, b"x" * 20)]


def test_a_full_record_fits(slots: SlotFile, path: Path) -> None:
    slots.put("a", b"x" * slots.room, 1.0)
    slots.put("b", b"y" * slots.room, 2.0)
    assert slots.get("a") == b"x" * slots.room
    assert path.stat().st_size == 4096 + BUCKETS * WAYS * OCTETS


@pytest.mark.parametrize("at", range(0, OCTETS, 7))
def test_a_record_that_was_cut_short_is_none(slots: SlotFile, path: Path, at: int) -> None:
    slots.put("a", b"x" * slots.room, 1.0)
    data = bytearray(path.read_bytes())
    start = data.index(b"x" * slots.room) + slots.room - OCTETS
    data[start + at : start + OCTETS] = bytes(OCTETS - at)
    path.write_bytes(data)
    assert slots.get("a") is None
    assert list(slots.all()) == []


@pytest.mark.parametrize("content", [b"", b"nonsense", b"mailhub slots 1\n" + bytes(8000)])
def test_a_file_of_another_layout_is_made_anew(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    slots = SlotFile(path, BUCKETS, OCTETS)
    slots.put("a", b"x", 1.0)
    assert list(slots.all()) == [(1.0, b"x")]
    slots.close()


def test_a_file_that_somebody_has_cut_short_is_no_trouble(slots: SlotFile, path: Path) -> None:
    os.truncate(path, 4096 + OCTETS // 2)
    assert slots.get("a") is None
    slots.put("a", b"x", 1.0)
    assert slots.get("a") == b"x"


def test_what_one_process_kept_another_finds_after_it_was_killed(path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from mailhub.store.hub.slots import SlotFile
SlotFile(Path(sys.argv[1]), 4, 128).put("a", b"from there", 1.0)
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    slots = SlotFile(path, BUCKETS, OCTETS)
    assert slots.get("a") == b"from there"
    slots.close()


def test_nobody_waits_for_a_process_that_is_stopped_while_it_writes(
    slots: SlotFile, path: Path
) -> None:
    other = open_lock_file(path)
    for bucket in range(BUCKETS):
        wait_lock(other, bucket)
    slots.put("a", b"x", 1.0)
    assert slots.get("a") == b"x"
    os.close(other)

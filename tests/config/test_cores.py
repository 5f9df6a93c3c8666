"""How many workers there are."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mailhub.config.cores import missing, processors, workers
from mailhub.config.options import Config


@pytest.fixture
def four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3})


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000\n", 4),
        ("150000 100000\n", 2),
        ("800000 100000\n", 4),
        ("1000 100000\n", 1),
        ("nonsense", 4),
    ],
)
def test_a_container_gets_as_many_as_its_share(
    four: None, tmp_path: Path, quota: str, expected: int
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    assert processors(tmp_path / "cpu.max") == expected
    assert processors(tmp_path / "none") == 4


def test_a_system_without_process_descriptors_gets_one(
    four: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert missing() == ""
    assert workers(replace(Config(), workers=3)) == 3

    def no(pid: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", no)
    assert workers(Config()) == 1
    assert "since 5.3" in missing()

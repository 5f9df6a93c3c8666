"""Refusing new mail while the disk is nearly full."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailhub.model.errors import StorageFull
from mailhub.store.sqlite.space import Space
from tests.events import Events


def test_the_administrator_is_told_once_when_it_is_full_and_once_when_there_is_room(
    tmp_path: Path, events: Events
) -> None:
    now = 0.0
    found = os.statvfs(tmp_path)
    free = found.f_bavail * found.f_frsize
    space = Space(tmp_path, free // 2, lambda: now)
    space.check(1000)
    assert events.names() == []
    for _ in range(3):
        with pytest.raises(StorageFull):
            space.check(free)
    now += 2
    space.check(1000)
    assert events.names() == ["store.full", "store.room"]

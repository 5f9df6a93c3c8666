"""Worlds over every engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.contract import ENGINES, World, sqlite


@pytest.fixture(params=list(ENGINES))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """An account of each engine in turn; afterwards the engine proves itself sound."""
    made = ENGINES[request.param](tmp_path)
    yield made
    made.prove()


@pytest.fixture
def sqlite_world(tmp_path: Path) -> Iterator[World]:
    made = sqlite(tmp_path)
    yield made
    made.prove()

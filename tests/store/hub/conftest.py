"""A hub.db in a temporary folder, with a domain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailhub.store.hub import domains
from mailhub.store.hub.database import HubFile
from mailhub.store.hub.datadir import DataDir

NOW = 1_700_000_000


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    data = DataDir(tmp_path / "data")
    data.prepare()
    return data


@pytest.fixture
def file(data: DataDir) -> Iterator[HubFile]:
    file = HubFile.open(data.hub_db)
    with file.write() as tx:
        domains.add(tx, "example.org", NOW)
    yield file
    file.close()

"""What a serving process asks of the system, seen from outside."""

from __future__ import annotations

import subprocess
import sys

import pytest

PREPARED = """
import resource
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, min({most}, most)))
from mailhub.service import process
process.prepare(None)
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
lines = open("/proc/self/status").read().splitlines()
room = next(int(line.split()[1]) for line in lines if line.startswith("FDSize:"))
print(min(limit, process.FILES_AT_ONCE), room)
"""


@pytest.mark.parametrize("most", [512, 1 << 16])
def test_the_table_of_open_files_has_its_size_from_the_start(most: int) -> None:
    told = subprocess.run(
        [sys.executable, "-c", PREPARED.format(most=most)],
        capture_output=True,
        text=True,
        check=True,
    )
    files, room = map(int, told.stdout.split())
    assert files > 64
    assert room >= files

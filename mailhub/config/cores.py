"""How many workers a configuration means."""

from __future__ import annotations

import math
import os
from pathlib import Path

from mailhub.config.options import Config

MOST = 64
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def workers(config: Config) -> int:
    return processors() if config.workers == "auto" else config.workers


def processors(quota: Path = _QUOTA) -> int:
    """Those that this process may use: its affinity, and what a container is given."""
    allowed = len(os.sched_getaffinity(0))
    try:
        share, period = quota.read_text().split()
        allowed = min(allowed, math.ceil(int(share) / int(period)))
    except (OSError, ValueError):  # no such file; "max"
        return min(allowed, MOST)
    return max(1, min(allowed, MOST))

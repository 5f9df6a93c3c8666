"""How many workers a configuration means."""

from __future__ import annotations

import math
import os
from pathlib import Path

from mailhub.config.options import Config

MOST = 64
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def workers(config: Config) -> int:
    if config.workers != "auto":
        return config.workers
    return 1 if missing() else processors()


def missing() -> str:
    """What the system lacks that several workers need, in words; empty: nothing."""
    try:
        os.close(os.pidfd_open(os.getpid()))
        os.close(os.memfd_create("mailhub"))
    except (OSError, AttributeError) as problem:
        return f"pidfd_open and memfd_create, which Linux has since 5.3 ({problem})"
    return ""


def processors(quota: Path = _QUOTA) -> int:
    """Those that this process may use: its affinity, and what a container is given."""
    allowed = len(os.sched_getaffinity(0))
    try:
        share, period = quota.read_text().split()
        allowed = min(allowed, math.ceil(int(share) / int(period)))
    except (OSError, ValueError):  # no such file; "max"
        return min(allowed, MOST)
    return max(1, min(allowed, MOST))

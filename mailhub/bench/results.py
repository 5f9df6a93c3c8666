"""What was measured, over all rounds: medians, the best, and how servers stand to each other."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailhub.bench.micro import BUSY, Workload
from mailhub.bench.setting import Figure
from mailhub.bench.target import Target

FAILED = "failed: "


@dataclass(slots=True)
class Series:
    """The figures of one workload and server."""

    figures: list[Figure] = field(default_factory=list)
    skipped: str = ""

    def median(self) -> float | None:
        values = [figure.value for figure in self.figures if figure.value is not None]
        return statistics.median(values) if values else None

    def best(self, *, less: bool) -> float | None:
        values = [figure.value if figure.best is None else figure.best for figure in self.figures]
        seen = [value for value in values if value is not None]
        if not seen:
            return None
        return min(seen) if less else max(seen)

    def failed(self) -> bool:
        return self.skipped.startswith(FAILED)

    def detail(self) -> dict[str, float]:
        names = self.figures[0].detail if self.figures else {}
        every = [figure.detail for figure in self.figures]
        return {name: statistics.median(d.get(name, 0.0) for d in every) for name in names}

    def client_share(self) -> float:
        """Of its time, how much the busiest client process was computing."""
        shares = [figure.phase.client_share for figure in self.figures]
        return statistics.median(shares) if shares else 0.0

    def server_cpu_share(self) -> float | None:
        """How many cores the server kept busy."""
        used = [
            figure.phase.server.cpu_seconds / figure.phase.elapsed
            for figure in self.figures
            if figure.phase.server
        ]
        return statistics.median(used) if used else None


@dataclass(slots=True)
class Row:
    """One workload on every server."""

    workload: Workload
    servers: list[Series]

    def ratio(self) -> float | None:
        """How many times better the first server is than the second."""
        if len(self.servers) < 2:
            return None
        first, second = self.servers[0].median(), self.servers[1].median()
        if not first or not second:
            return None
        return second / first if self.workload.less_is_better else first / second

    def limited_by_client(self) -> bool:
        return any(series.client_share() > BUSY for series in self.servers)


def as_json(targets: Sequence[Target], rows: Sequence[Row], settings: Any) -> dict[str, Any]:
    """All that was measured, for programs."""
    return {
        "kind": "micro",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine(),
        "settings": settings,
        "servers": [about(target) for target in targets],
        "workloads": [_row(targets, row) for row in rows],
    }


def _row(targets: Sequence[Target], row: Row) -> dict[str, Any]:
    workload = row.workload
    return {
        "name": workload.name,
        "title": workload.title,
        "unit": workload.unit,
        "less_is_better": workload.less_is_better,
        "ratio": row.ratio(),
        "limited_by_client": row.limited_by_client(),
        "servers": {
            target.name: _series(series, workload)
            for target, series in zip(targets, row.servers, strict=True)
        },
    }


def _series(series: Series, workload: Workload) -> dict[str, Any]:
    if series.skipped:
        return {"skipped": series.skipped}
    return {
        "median": series.median(),
        "best": series.best(less=workload.less_is_better),
        "values": [figure.value for figure in series.figures],
        "detail": series.detail(),
        "client_share": series.client_share(),
        "server_cores": series.server_cpu_share(),
    }


def about(target: Target) -> dict[str, Any]:
    """A server as results show it: without its password."""
    return {
        "name": target.name,
        "version": target.version,
        "host": target.host,
        "imap": target.imap,
        "pop3": target.pop3,
        "lmtp": target.lmtp,
        "tls": target.tls,
        "accounts": target.accounts,
    }


def machine() -> dict[str, Any]:
    """Where the clients ran."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_octets": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

"""What the measured server uses, when it runs on this machine: processor time and memory.

The server is found by the socket it listens on, or by a pid; with it count all processes it has
started (Dovecot's are many).  Memory is the proportional set size: what processes share is
counted once.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mailhub.bench.target import Target

PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")
_LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor time so far (or in a phase), and memory now."""

    cpu_seconds: float
    memory_octets: int
    processes: int
    grown_octets: int = 0

    def since(self, before: Usage) -> Usage:
        return Usage(
            max(0.0, self.cpu_seconds - before.cpu_seconds),
            self.memory_octets,
            self.processes,
            self.memory_octets - before.memory_octets,
        )


class Probe:
    """Reads what *target* uses; nothing when it runs elsewhere or cannot be seen."""

    def __init__(self, target: Target) -> None:
        self.root = target.pid or (_root_listening(_ports(target)) if is_local(target.host) else 0)

    def usage(self) -> Usage | None:
        if not self.root or not (PROC / str(self.root)).exists():
            return None
        family = list(_family(self.root))
        cpu = sum(_cpu_seconds(pid) for pid in family)
        return Usage(cpu, sum(_memory(pid) for pid in family), len(family))


def is_local(host: str) -> bool:
    """Whether *host* is this machine by its loopback or one of its own addresses."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(_is_own(str(entry[4][0])) for entry in found)


def _is_own(address: str) -> bool:
    if ipaddress.ip_address(address.split("%")[0]).is_loopback:
        return True
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _ports(target: Target) -> set[int]:
    return {port for port in (target.imap, target.pop3, target.lmtp) if port}


def _root_listening(ports: set[int]) -> int:
    """The process that has started all those that hold a listening socket of *ports*; or 0."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(ports)}
    holders = {pid for pid in _pids() if pid != 1 and sockets and _holds(pid, sockets)}
    parents = _parents()
    roots = [pid for pid in holders if parents.get(pid) not in holders]
    return min(roots, default=0)


def _inodes(ports: set[int]) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                columns = line.split()
                if columns[3] == _LISTEN and int(columns[1].rsplit(":", 1)[1], 16) in ports:
                    yield columns[9]


def _holds(pid: int, sockets: set[str]) -> bool:
    with suppress(OSError):
        for entry in os.scandir(PROC / str(pid) / "fd"):
            with suppress(OSError):
                if os.readlink(entry.path) in sockets:
                    return True
    return False


def _pids() -> list[int]:
    return [int(name) for name in os.listdir(PROC) if name.isdigit()]


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on: the name before may hold anything."""
    with suppress(OSError):
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return []


def _parents() -> dict[int, int]:
    found = ((pid, _stat(pid)) for pid in _pids())
    return {pid: int(fields[1]) for pid, fields in found if fields}


def _family(root: int) -> Iterator[int]:
    """*root* and all that descends from it."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents().items():
        children.setdefault(parent, []).append(pid)
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += children.get(pid, [])


def _cpu_seconds(pid: int) -> float:
    """Of the process and of its children that have ended."""
    fields = _stat(pid)
    if not fields:
        return 0.0
    own, children = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
    # Ticks are of 10 ms.  The scheduler counts nanoseconds, but forgets threads that have ended.
    return max(own / _TICK, _scheduled(pid)) + children / _TICK


def _scheduled(pid: int) -> float:
    total = 0
    with suppress(OSError):
        for thread in os.scandir(PROC / str(pid) / "task"):
            with suppress(OSError, ValueError):
                total += int(Path(thread.path, "schedstat").read_text().split()[0])
    return total / 1e9


def _memory(pid: int) -> int:
    with suppress(OSError, ValueError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    with suppress(OSError, ValueError):
        return int((PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0

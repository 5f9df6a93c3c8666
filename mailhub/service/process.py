"""What a process that serves clients asks of Python and of the system."""

from __future__ import annotations

import fcntl
import gc
import os
import resource
import sys

from mailhub.net.fair import make_fair

SWITCH_INTERVAL_SECONDS = 0.0005
"""After so long, not after 5 ms, a thread of the store gives the interpreter to the reactor."""
COLLECTION_THRESHOLDS = (1_000, 2, 250)
"""Often and little: what one pass over the young frees is felt as a pause."""

FILES_AT_ONCE = 1 << 14
"""The table takes eight octets for each."""


def prepare(reactor: object) -> None:
    """Before anything is opened."""
    make_fair(reactor)
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    _make_room_for_files(_allow_many_files())


def settle_memory() -> None:
    """Keep the collector of cycles off what lives as long as the process: a fifth of a delivery."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTION_THRESHOLDS)


def _allow_many_files() -> int:
    """As many open files as the system allows: one per connection, five per open account."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def _make_room_for_files(most: int) -> None:
    """Let the kernel's table of open files have its size from the start.

    It doubles when it is full, from 64 on, and the call that needs the room then waits for all
    processors (synchronize_rcu): 10 to 25 ms, once there are threads.
    """
    with open(os.devnull, "rb") as nothing:
        last = min(most, FILES_AT_ONCE) - 1
        os.close(fcntl.fcntl(nothing, fcntl.F_DUPFD_CLOEXEC, last))

"""What a process that serves clients asks of Python and of the system."""

from __future__ import annotations

import gc
import resource
import sys

from mailhub.net.fair import make_fair

SWITCH_INTERVAL_SECONDS = 0.0005
"""After so long, not after 5 ms, a thread of the store gives the interpreter to the reactor."""
COLLECTION_THRESHOLDS = (1_000, 5, 100)
"""Often and little: what one pass over the young frees is felt as a pause."""


def prepare(reactor: object) -> None:
    """Before anything is opened."""
    make_fair(reactor)
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    _allow_many_files()


def settle_memory() -> None:
    """Keep the collector of cycles off what lives as long as the process: a fifth of a delivery."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTION_THRESHOLDS)


def _allow_many_files() -> None:
    """As many open files as the system allows: one per connection, five per open account."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

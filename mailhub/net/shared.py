"""What the workers of a server know together; a single process has it for itself."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from mailhub import log
from mailhub.net.notes import Notes
from mailhub.net.seats import Seats


class Kind(Enum):
    """What is noted: for so many keys in all, and how much of each at most (buckets, ways)."""

    ATTEMPTS = "attempts", 2048, 64
    """Wrong passwords, for the throttle: 131,072, and 64 of one client at one account."""
    SECRETS = "secrets", 8192, 16
    """Passwords proved a moment ago."""
    LOG_INS = "log-ins", 8192, 16
    """When accounts have logged in, for LOGIN-DELAY."""
    KEPT_BACK = "kept back", 2048, 64
    """Wrong passwords that a directory need not be asked about again."""
    ASKED = "asked", 1024, 16
    """Passwords that a directory is being asked about, and how long that may take."""
    RIGHT = "right", 8192, 16
    """Names and the password that was right last."""
    PEOPLE = "people", 8192, 16
    """Names and whose they were when they last logged in."""
    CACHED = "cached", 8192, 16
    """Accounts and the one password that a credential cache may answer for."""
    WORKED = "worked", 8192, 16
    """Passwords that have worked for a user, to tell old ones from wrong ones."""
    REPEATED = "repeated", 8192, 16
    """The wrong password that a client has presented last, and how often in a row."""

    def __init__(self, what: str, buckets: int, ways: int) -> None:
        self.what = what
        self.buckets = buckets
        self.ways = ways


def own_notes() -> Mapping[Kind, Notes]:
    """Of a process that is alone."""
    return {kind: Notes(kind.buckets, kind.ways) for kind in Kind}


def _own_seats() -> Seats:
    return Seats(secret=secrets.token_bytes(32))


@dataclass(frozen=True, slots=True)
class Shared:
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    """What digests in shared memory are made with."""
    prefix: str = field(default_factory=lambda: log.short_id(3))
    """Of connection ids: several processes write one log."""
    seats: Seats = field(default_factory=_own_seats)
    notes: Mapping[Kind, Notes] = field(default_factory=own_notes)

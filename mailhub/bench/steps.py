"""What a client's script may wait for.  Scripts are generators: no callback, no thread.

A script yields what it needs to go on: an event of its socket, a pause, or the gate at which it
waits until every script of the measurement has come as far.
"""

from __future__ import annotations

import select
from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

READ = select.EPOLLIN
WRITE = select.EPOLLOUT

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pause:
    """Go on after *seconds*."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ReadBy:
    """Go on when something has come, or at *deadline* of the monotonic clock."""

    deadline: float


@dataclass(frozen=True, slots=True)
class Gate:
    """Go on when every script has come here.  The time between two gates is a phase."""


GATE = Gate()

Wait = int | Pause | ReadBy | Gate
Steps = Generator[Wait, None, T]


class BenchError(Exception):
    """What keeps a measurement from being made; its text is for the administrator."""


class ServerFailed(BenchError):
    """The server refused something, closed the connection or said nothing."""


class NothingCame(ServerFailed):
    """The deadline of a connection has passed."""

"""What the server and its directory helper say to each other (see :mod:`mailhub.net.frames`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailhub.config.options import DirectoryConfig
from mailhub.model.steps import Step


@dataclass(frozen=True, slots=True)
class Setting:
    """The first thing that the helper is told."""

    directories: tuple[DirectoryConfig, ...]
    attempts: Path | None
    """The file of :mod:`.attempts`."""


@dataclass(frozen=True, slots=True)
class Question:
    """A method of Lookup to be called; ``end`` is on the monotonic clock, which both share."""

    number: int
    directory: str
    method: str
    arguments: tuple[Any, ...]
    end: float
    heard: bool = False
    """Whether anybody wants the steps."""


@dataclass(frozen=True, slots=True)
class Reply:
    """``failure`` is Refused, Trouble, or the text of something unexpected."""

    number: int
    value: Any
    failure: Exception | str | None
    steps: Sequence[Step]
    waited: float


@dataclass(frozen=True, slots=True)
class EventFrame:
    name: str
    level: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Measured:
    directory: str
    server: str
    operation: str
    outcome: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Breaker:
    directory: str
    server: str
    is_open: bool

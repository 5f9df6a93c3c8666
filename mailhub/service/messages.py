"""What the parent, the template and the workers say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailhub.config.options import Config, Listener

# --- to the template ---


@dataclass(frozen=True, slots=True)
class Equip:
    """What all workers are given; with descriptors of the memory and of the listeners' sockets."""

    data_dir: Path
    listeners: tuple[Listener, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """Make a worker; with the descriptor of its channel to the parent."""

    number: int
    workers: int
    config: Config


# --- from the template ---


@dataclass(frozen=True, slots=True)
class Made:
    number: int
    pid: int


@dataclass(frozen=True, slots=True)
class Ended:
    """``status`` as subprocess has it: negative is a signal."""

    pid: int
    status: int


# --- between the parent and a worker ---


@dataclass(frozen=True, slots=True)
class Ready:
    """It serves."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It cannot, and ends.  ``text`` is for a person."""

    text: str
    status: int


@dataclass(frozen=True, slots=True)
class Tell:
    """The other workers are to do this too; the parent asks them, and nobody waits."""

    command: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    number: int
    command: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """``problem``: a sentence in the place of a value."""

    number: int
    value: Any = None
    problem: str = ""

"""What ``mailhub directory check`` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """``about`` is a word or two: TLS, bind, user_base."""

    level: Literal["ok", "warning", "error"]
    about: str
    text: str
    hint: str = ""

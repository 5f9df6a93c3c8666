"""What keeps a server from starting, as one line for the person who started it."""

from __future__ import annotations

import os

EX_CONFIG = os.EX_CONFIG
EX_UNAVAILABLE = os.EX_UNAVAILABLE


class CannotStart(Exception):
    """The text is for a person; ``status`` is the exit code of the process (sysexits)."""

    def __init__(self, text: str, status: int = EX_UNAVAILABLE) -> None:
        super().__init__(text)
        self.status = status

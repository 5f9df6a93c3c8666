"""Directories asked in the process of the command line, where nobody else is waiting.

Takes the place of :class:`.process.Helper` behind :class:`.directory.Directory`, so what a command
explains is what a server does, but for the helper process and the threads in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, execute

from mailhub.config.options import DirectoryConfig
from mailhub.directory.lookup import Lookup
from mailhub.directory.servers import Deadline
from mailhub.directory.watching import Nobody
from mailhub.model.steps import Hearer


class InPlace:
    """Not *prove*: passwords are not sent anywhere, but taken to be right."""

    def __init__(self, directories: Sequence[DirectoryConfig], *, prove: bool = True) -> None:
        self._lookups = {each.name: Lookup(each, Nobody()) for each in directories}
        self._prove = prove
        self.binds: dict[str, float] = {}

    def ask(
        self, directory: DirectoryConfig, method: str, seconds: float, steps: Hearer, *args: object
    ) -> Deferred[Any]:
        """The value of the Lookup's *method*, at once.  Fails with Refused, Trouble."""
        lookup = self._lookups[directory.name]
        deadline = Deadline(time.monotonic() + seconds)
        if method == "prove" and not self._prove:
            method, args = "recognise", args[:1]
        question: Callable[..., Any] = getattr(lookup, method)
        return execute(question, *args, deadline, steps)

    def close(self) -> None:
        for lookup in self._lookups.values():
            lookup.close()

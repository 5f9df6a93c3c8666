"""What a test sees of the events that are written."""

from __future__ import annotations

from typing import Any

from twisted.logger import ILogObserver
from zope.interface import implementer


@implementer(ILogObserver)
class Events(list[dict[str, Any]]):
    """Log entries, oldest first."""

    def __call__(self, event: dict[str, Any]) -> None:
        self.append(event)

    def names(self) -> list[str]:
        return [entry["event"] for entry in self if "event" in entry]

    def __getitem__(self, name: Any) -> Any:
        """The only event of that name."""
        if not isinstance(name, str):
            return super().__getitem__(name)
        (found,) = [entry for entry in self if entry.get("event") == name]
        return found

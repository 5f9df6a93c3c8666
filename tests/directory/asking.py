"""Asking a directory in a test, and keeping what it tells."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from mailhub.config.options import DirectoryConfig
from mailhub.directory.lookup import Lookup
from mailhub.directory.troubles import Refused, Trouble, Verdict
from mailhub.model.directory import NO_PAST, Past, Person, PersonId
from mailhub.model.steps import Steps


class Heard:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Mapping[str, object]]] = []
        self.operations: list[tuple[str, str]] = []
        self.up = threading.Event()

    def event(self, name: str, level: str, fields: Mapping[str, object]) -> None:
        self.events.append((name, fields))

    def measured(self, server: str, operation: str, outcome: str, seconds: float) -> None:
        self.operations.append((operation, outcome))

    def breaker(self, server: str, *, is_open: bool) -> None:
        if not is_open:
            self.up.set()

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def reasons(self) -> str:
        return "\n".join(str(fields.get("reason")) for _, fields in self.events)


class Asking:
    """Questions to directories; one Lookup for each configuration."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.steps = Steps()
        self._lookups: dict[DirectoryConfig, Lookup] = {}

    def lookup(self, directory: DirectoryConfig) -> Lookup:
        if directory not in self._lookups:
            self._lookups[directory] = Lookup(directory, self.heard)
        return self._lookups[directory]

    def prove(
        self, directory: DirectoryConfig, login: str, password: str, past: Past = NO_PAST
    ) -> Person:
        lookup = self.lookup(directory)
        return lookup.prove(login, password, past, lookup.deadline(), self.steps)

    def refused(
        self, directory: DirectoryConfig, login: str, password: str, past: Past = NO_PAST
    ) -> Verdict:
        """Why they are not let in."""
        try:
            self.prove(directory, login, password, past)
        except Refused as refused:
            return refused.verdict
        raise AssertionError(f"{login} was let in")

    def trouble(self, directory: DirectoryConfig, login: str = "alice") -> Trouble:
        """Why nothing can be said of *login*."""
        try:
            self.prove(directory, login, f"secret of {login}")
        except Trouble as trouble:
            return trouble
        raise AssertionError(f"{login} was let in")

    def by_login(self, directory: DirectoryConfig, login: str) -> Person | None:
        lookup = self.lookup(directory)
        return lookup.by_login(login, lookup.deadline(), self.steps)

    def by_address(self, directory: DirectoryConfig, address: str) -> Person | None:
        lookup = self.lookup(directory)
        return lookup.by_address(address, lookup.deadline(), self.steps)

    def by_id(self, directory: DirectoryConfig, person: str) -> Person | None:
        lookup = self.lookup(directory)
        return lookup.by_id(PersonId(person), lookup.deadline(), self.steps)

    def everybody(self, directory: DirectoryConfig) -> list[list[Person]]:
        """Page by page."""
        lookup, pages = self.lookup(directory), []
        cookie: bytes | None = None
        while True:
            page = lookup.page(cookie, lookup.deadline(), self.steps)
            pages.append(list(page.people))
            if page.cookie is None:
                return pages
            cookie = page.cookie

    def filters(self) -> list[object]:
        """What was searched for."""
        return [step.facts["filter"] for step in self.steps.taken if step.what == "search"]

    def close(self) -> None:
        for lookup in self._lookups.values():
            lookup.close()

"""A directory in memory, for tests of those who ask one: honest, and as picky as the real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from zope.interface import implementer

from mailhub.interfaces import (
    BadCredentials,
    IDirectory,
    LogInDisabled,
    LogInUnavailable,
    NoSuchPerson,
    SecretExpired,
)
from mailhub.model.directory import NO_PAST, Past, People, Person, PersonId, Standing
from mailhub.model.errors import CannotAdopt, Unavailable
from mailhub.model.steps import UNHEARD, Hearer

_REFUSED = {
    Standing.DISABLED: LogInDisabled,
    Standing.EXPIRED: LogInDisabled,
    Standing.PASSWORD_EXPIRED: SecretExpired,
    Standing.PASSWORD_MUST_CHANGE: SecretExpired,
    Standing.LOCKED: BadCredentials,
}


def person(login: str, *addresses: str, id: str = "", directory: str = "corp") -> Person:  # noqa: A002
    """Without an *id*: one made of the log-in name."""
    return Person(
        directory=directory,
        id=PersonId(id or f"id-of-{login}"),
        dn=f"uid={login},ou=people,dc=example,dc=org",
        addresses=addresses or (f"{login}@example.org",),
        name=login.title(),
    )


@implementer(IDirectory)
class FakeDirectory:
    """People by log-in name.  ``asked`` lists the questions; ``down``: no server answers."""

    def __init__(self, name: str = "corp", domains: Sequence[str] = (), page_size: int = 2) -> None:
        self.name = name
        self.domains = tuple(domains)
        self.page_size = page_size
        self.people: dict[str, Person] = {}
        self.passwords: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self.down = False

    def put(self, login: str, entry: Person, password: str = "secret") -> Person:
        self.people[login] = entry
        self.passwords[login] = password
        return entry

    def change(self, login: str, **facts: object) -> Person:
        self.people[login] = replace(self.people[login], **facts)  # type: ignore[arg-type]
        return self.people[login]

    def remove(self, login: str) -> None:
        del self.people[login]

    def questions(self, kind: str) -> list[str]:
        return [what for asked, what in self.asked if asked == kind]

    # --- IDirectory ---

    def serves(self, domain: str) -> bool:
        return not domain or not self.domains or domain.lower() in self.domains

    async def prove(
        self, login: str, password: str, steps: Hearer = UNHEARD, past: Past = NO_PAST
    ) -> Person:
        self.asked.append(("prove", login))
        if self.down:
            raise LogInUnavailable("no server answers")
        found = self.people.get(login.partition("@")[0])
        if found is None:
            raise NoSuchPerson(f"no entry for {login}")
        if self.passwords[login.partition("@")[0]] != password:
            raise BadCredentials("wrong password")
        if found.standing in _REFUSED:
            raise _REFUSED[found.standing](found.standing.value)
        return found

    async def by_login(self, login: str, steps: Hearer = UNHEARD) -> Person | None:
        self._ask("by_login", login)
        return self.people.get(login.partition("@")[0])

    async def by_address(self, address: str, steps: Hearer = UNHEARD) -> Person | None:
        self._ask("by_address", address)
        wanted = address.casefold()
        found = [p for p in self.people.values() if wanted in (a.casefold() for a in p.addresses)]
        if len(found) > 1:
            raise CannotAdopt(f"several entries match {address}")
        return found[0] if found else None

    async def by_id(self, person: PersonId, steps: Hearer = UNHEARD) -> Person | None:
        self._ask("by_id", person)
        return next((p for p in self.people.values() if p.id == person), None)

    async def page(self, cookie: bytes | None, steps: Hearer = UNHEARD) -> People:
        self._ask("page", str(cookie))
        start = int(cookie or b"0")
        everybody = list(self.people.values())
        end = start + self.page_size
        return People(everybody[start:end], str(end).encode() if end < len(everybody) else None)

    def _ask(self, kind: str, what: str) -> None:
        self.asked.append((kind, what))
        if self.down:
            raise Unavailable("no server answers")

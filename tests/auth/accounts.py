"""Local accounts as a dictionary, and hashing that counts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from zope.interface import implementer

from mailhub.auth.hashing import InlineHashing
from mailhub.auth.verifiers import make_verifiers
from mailhub.interfaces import ILocalAccounts
from mailhub.model.errors import Unavailable
from mailhub.model.mail import AccountId, StoredCredentials, Verifier

P = ParamSpec("P")
T = TypeVar("T")


@functools.cache
def of_password(password: str) -> tuple[Verifier, ...]:
    """Made once: each takes a tenth of a second."""
    return make_verifiers(password)


@implementer(ILocalAccounts)
class Accounts:
    def __init__(self) -> None:
        self.stored: dict[str, StoredCredentials] = {}
        self.replaced: list[tuple[AccountId, str]] = []
        self.down = False

    def add(
        self,
        address: str,
        password: str = "wonder",
        *,
        enabled: bool = True,
        verifiers: tuple[Verifier, ...] | None = None,
    ) -> StoredCredentials:
        if verifiers is None:
            verifiers = of_password(password)
        stored = StoredCredentials(AccountId(f"id-{address}"), address, enabled, verifiers)
        self.stored[address] = stored
        return stored

    async def credentials(self, login: str) -> StoredCredentials | None:
        if self.down:
            raise Unavailable
        return self.stored.get(login.lower())

    async def replace_verifiers(self, account: AccountId, password: str) -> None:
        if self.down:
            raise Unavailable
        self.replaced.append((account, password))


class CountedHashing(InlineHashing):
    def __init__(self) -> None:
        self.count = 0

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        self.count += 1
        return super().run(function, *args, **kwargs)

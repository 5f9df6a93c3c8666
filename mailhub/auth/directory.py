"""Passwords of a directory's people: a source for :mod:`.chain`, over an ``IDirectory``.

In this order: a password proved a moment ago (only if configured), the lock-out guard, the
directory, the account.  Whoever the directory has proved is handed on to have an account; what
that says of the account (disabled here, say) is :mod:`.policy`'s to judge.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from mailhub.auth.chain import Given
from mailhub.auth.guard import LockoutGuard, ProvedPasswords
from mailhub.interfaces import (
    BadCredentials,
    IDirectory,
    KeptBack,
    LogInForbidden,
    LogInUnavailable,
    NoSuchPerson,
    TooManyAttempts,
    Unproved,
)
from mailhub.interfaces_people import IAdoption, IIdentities
from mailhub.metrics import Metrics
from mailhub.model.directory import Person
from mailhub.model.errors import CannotAdopt
from mailhub.model.mail import StoredCredentials
from mailhub.net.digests import Digests, one_spelling
from mailhub.net.output import delay

_Answer = Person | LogInUnavailable | None
"""For those who wait for it.  None: ask for yourself, as far as the guard lets you."""
MOST_SECONDS = 20.0
"""That another process is waited for: it may have died."""
LOOK_AGAIN_SECONDS = 0.02


class DirectoryPasswords:
    """One directory.  It takes as long over nobody as over a wrong password."""

    pads = True

    def __init__(
        self,
        directory: IDirectory,
        adoption: IAdoption,
        identities: IIdentities,
        guard: LockoutGuard,
        proved: ProvedPasswords,
        digests: Digests,
        clock: IReactorTime,
        metrics: Metrics | None = None,
    ) -> None:
        self.name = f"directory {directory.name}"
        self._directory = directory
        self._adoption = adoption
        self._identities = identities
        self._guard = guard
        self._proved = proved
        self._metrics = metrics
        self._digests = digests
        self._clock = clock
        self._asking: dict[tuple[str, bytes], list[Deferred[_Answer]]] = {}
        """Who waits for the answer to a question."""

    def takes(self, given: Given) -> bool:
        return self._directory.serves(given.login.rpartition("@")[2] if "@" in given.login else "")

    async def prove(self, given: Given) -> StoredCredentials:
        digest = self._digests.of(given.password)
        remembered = await self._remembered(given, digest)
        if remembered is not None:
            return remembered
        person = await self._prove(given, digest)
        self._guard.right(given.login, digest, person.id)
        try:
            stored = await self._adoption.adopt(person, given.steps)
        except CannotAdopt as refusal:
            raise LogInForbidden(str(refusal)) from refusal
        self._proved.remember(given.login, digest, stored.account)
        return stored

    async def _remembered(self, given: Given, digest: bytes) -> StoredCredentials | None:
        account = self._proved.account(given.login, digest)
        if account is None:
            return None
        given.steps.add("remembered", account=account)
        self._count("remembered")
        return await self._identities.credentials_of(account)

    async def _prove(self, given: Given, digest: bytes) -> Person:
        """One question for all connections that would ask the same at the same time."""
        question = one_spelling(given.login), digest
        while (others := self._asking.get(question)) is not None:
            given.steps.add("waits", reason="another connection asks the same just now")
            turn: Deferred[_Answer] = Deferred()
            others.append(turn)
            answer = await turn
            if isinstance(answer, LogInUnavailable):
                raise LogInUnavailable(str(answer))
            if answer is not None:
                self._count("shared")
                return answer
        self._keep_back(given.login, digest)
        return await self._ask(given, question)

    async def _ask(self, given: Given, question: tuple[str, bytes]) -> Person:
        answer: _Answer = None
        self._asking[question] = []
        try:
            while not self._guard.begin(*question, MOST_SECONDS):
                await delay(self._clock, LOOK_AGAIN_SECONDS)
                self._keep_back(*question)  # another process may have the answer by now
            answer = await self._answer(given, question)
        except LogInUnavailable as trouble:
            answer = trouble
            raise
        finally:
            for turn in self._asking.pop(question):
                turn.callback(answer)
        return answer

    async def _answer(self, given: Given, question: tuple[str, bytes]) -> Person:
        counted = "asked"
        past = self._guard.past(*question)
        try:
            return await self._directory.prove(given.login, given.password, given.steps, past)
        except NoSuchPerson:
            raise
        except Unproved as unproved:
            counted = "kept_back" if isinstance(unproved, KeptBack) else counted
            raise
        except BadCredentials:
            self._guard.wrong(*question)
            raise
        finally:
            self._guard.ended(*question)
            self._count(counted)

    def _keep_back(self, login: str, digest: bytes) -> None:
        """Raises BadCredentials, TooManyAttempts: the guard lets nothing through."""
        try:
            self._guard.check(login, digest)
        except TooManyAttempts:
            self._count("limited")
            raise
        except BadCredentials:
            self._count("repeated")
            raise

    def _count(self, answer: str) -> None:
        if self._metrics is not None:
            self._metrics.directory_password(self._directory.name, answer)

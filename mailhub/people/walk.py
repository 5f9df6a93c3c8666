"""Going through whole directories now and then: who has changed, who is gone.

Pages of people are compared with what the hub knows; only those who have an account matter.  Who is
gone or suspended is counted at the end, when everybody was seen, and only if it is to be believed
(:mod:`mailhub.store.hub.trust`).  A walk that fails in between changes nobody's standing.  Of
several processes one walks: the hub gives out the turns.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from mailhub import log
from mailhub.interfaces import IDirectory
from mailhub.model.directory import Person, PersonId
from mailhub.model.errors import CannotAdopt, NoSuchAccount, Refusal
from mailhub.model.identity import SUSPENDED, Trust
from mailhub.model.mail import AccountId
from mailhub.model.steps import UNHEARD
from mailhub.people.adoption import Adoption

LOOK_SECONDS = 60.0
"""How often it is looked whether a walk is due, so that one asked for begins soon."""


class Walker:
    """Of one directory; *interval* in seconds between the beginnings of walks.

    Accounts whose people have been gone for *purge_after* seconds (0: never) are deleted, and
    *remove* is told, to remove their files.  *tell_trust* hears every minute how far the directory
    is trusted, whoever walked.
    """

    def __init__(
        self,
        adoption: Adoption,
        directory: IDirectory,
        interval: float,
        purge_after: float,
        remove: Callable[[AccountId], Awaitable[None]],
        tell_trust: Callable[[Trust], None] = lambda trust: None,
    ) -> None:
        self._adoption = adoption
        self._directory = directory
        self._interval = interval
        self._purge_after = purge_after
        self._remove = remove
        self._tell_trust = tell_trust
        self._looking: LoopingCall | None = None
        self._walking: Deferred[None] | None = None

    def start(self, reactor: IReactorTime) -> None:
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor
        self._looking.start(min(LOOK_SECONDS, self._interval), now=False)

    def stop(self) -> None:
        if self._looking is not None and self._looking.running:
            self._looking.stop()
        if self._walking is not None:
            self._walking.cancel()

    def _look(self) -> Deferred[None]:
        self._walking = Deferred.fromCoroutine(self.look())
        return self._walking

    async def look(self) -> None:
        """Walk if that is due.  Logs what fails: the next look tries again."""
        try:
            await self._walk_if_due()
            self._tell_trust(await self._adoption.identities.trust(self._directory.name))
        except CancelledError:
            return
        except Exception:
            log.failure("error", Failure(), what=f"walk through directory {self._directory.name}")

    async def _walk_if_due(self) -> None:
        try:
            await self.walk(self._interval)
        except Refusal as trouble:
            log.event(
                "directory.walk_failed",
                level="warn",
                directory=self._directory.name,
                reason=str(trouble),
            )

    async def walk(self, interval: float = 0.0) -> bool:
        """Walk, unless one began within *interval* seconds; whether it did.

        Raises Unavailable: the directory or the hub did not answer to the end.
        """
        identities = self._adoption.identities
        walk = await identities.begin_walk(self._directory.name, interval)
        if walk is None:
            return False
        suspended: list[PersonId] = []
        cookie: bytes | None = None
        while True:
            page = await self._directory.page(cookie, UNHEARD)
            for person in await identities.pass_by(walk, page.people):
                if person.standing in SUSPENDED:
                    suspended.append(person.id)
                else:
                    await self._update(person)
            cookie = page.cookie
            if cookie is None:
                break
        await identities.end_walk(self._directory.name, walk, suspended)
        if self._purge_after:
            await self._purge()
        return True

    async def _purge(self) -> None:
        identities = self._adoption.identities
        for identity in await identities.gone_since(self._directory.name, self._purge_after):
            with suppress(NoSuchAccount):  # back, or deleted by somebody else
                await identities.delete(identity)
                await self._remove(identity.account)

    async def _update(self, person: Person) -> None:
        try:
            await self._adoption.adopt(person, UNHEARD)
        except CannotAdopt:
            return  # told by an event; the account stays as it is

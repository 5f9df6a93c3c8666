"""``IIdentities`` of a running server: :mod:`.adoption`, :mod:`.identities` and :mod:`.trust`,
awaitable.  Tells the log what the directory has changed, and the bell whose account it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from zope.interface import implementer

from mailhub import log
from mailhub.interfaces_people import IIdentities
from mailhub.model.directory import Person, PersonId
from mailhub.model.identity import SUSPENDED, Adopted, Identity, Known, Trust, Walk
from mailhub.model.mail import AccountId, StoredCredentials
from mailhub.model.quota import Limits
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.store.hub import adoption, credentials, identities, quota, trust
from mailhub.store.hub.database import Tx
from mailhub.store.hub.hub import Hub

DEFAULT_LOSS_PERCENT = 10.0
SAY_AGAIN_SECONDS = 600.0
"""A conflict is found again at each log-in."""
MAX_SAID = 1000


@implementer(IIdentities)
class HubIdentities:
    """*loss_percent* by directory: see :mod:`.trust`.

    *ring* is told the number of each account that has changed, *lost* the ids of those who may not
    be here any more.
    """

    def __init__(
        self,
        hub: Hub,
        loss_percent: Mapping[str, float],
        ring: Callable[[int], None] = lambda number: None,
        lost: Callable[[AccountId], None] = lambda account: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hub = hub
        self._loss_percent = loss_percent
        self._ring = ring
        self._tell_lost = lost
        self._clock = clock
        self._conflicts = _News(clock)

    async def of_address(self, address: str, steps: Hearer = UNHEARD) -> Known | None:
        return await self._hub.known(address, steps)

    async def of_person(self, directory: str, person: PersonId) -> Identity | None:
        return await self._hub.read(identities.of_person, directory, person)

    async def of_account(self, account: AccountId) -> Identity | None:
        return await self._hub.read(identities.of_id, account)

    async def credentials_of(self, account: AccountId) -> StoredCredentials | None:
        return await self._hub.read(credentials.of_id, account)

    async def adopt(
        self, person: Person, served: Sequence[str], shared: Collection[str] = ()
    ) -> Adopted:
        present = await self.of_person(person.directory, person.id)
        if present is not None and adoption.same(present, person):
            return Adopted(present)
        before = await self.trust(person.directory)
        adopted = await self._hub.write(self._adopt, person, served, shared)
        self._ring(adopted.identity.number)
        self._tell_adopted(adopted)
        if adopted.identity.blocked is not None and (present is None or present.blocked is None):
            self._lost([adopted.identity])
        await self._tell_distrust(person.directory, before)
        return adopted

    async def confirmed(self, identity: Identity) -> None:
        await self._hub.write(identities.confirmed, identity.number, self._now(), durable=False)

    async def welcomed(self, identity: Identity) -> None:
        # Were it lost with the power, the folders that are missing would be made again.
        await self._hub.write(identities.welcomed, identity.number, durable=False)

    async def displace(self, address: str, identity: Identity) -> None:
        await self._hub.write(adoption.displace, address, identity.number, self._now())
        self._ring(identity.number)
        log.event(
            "identity.displaced",
            level="warn",
            account=address,
            directory=identity.person.directory,
            person=identity.person.dn,
            id=identity.person.id,
        )

    async def missing(self, identity: Identity) -> bool:
        directory = identity.person.directory
        before = await self.trust(directory)
        percent = self._percent(directory)
        counts = await self._hub.write(trust.missing, identity, self._now(), percent)
        if counts:
            self._lost([identity])
        await self._tell_distrust(directory, before)
        return counts

    # --- walks ---

    async def trust(self, directory: str) -> Trust:
        return await self._hub.read(trust.of, directory)

    async def begin_walk(self, directory: str, interval: float) -> Walk | None:
        return await self._hub.write(trust.begin, directory, self._now(), interval)

    async def pass_by(self, walk: Walk, people: Sequence[Person]) -> Sequence[Person]:
        return await self._hub.write(trust.pass_by, walk, people, self._now(), durable=False)

    async def end_walk(
        self, directory: str, walk: Walk, suspended: Sequence[PersonId]
    ) -> Sequence[Identity]:
        before = await self.trust(directory)
        percent = self._percent(directory)
        _, lost = await self._hub.write(trust.end, directory, walk, suspended, self._now(), percent)
        self._lost(lost)
        await self._tell_distrust(directory, before)
        return lost

    # --- those who are gone ---

    async def gone_since(self, directory: str, seconds: float) -> Sequence[Identity]:
        return await self._hub.read(trust.gone_before, directory, self._now() - int(seconds))

    async def delete(self, identity: Identity) -> None:
        await self._hub.write(trust.delete_gone, identity, self._now())
        self._lost([identity], "identity.purged")

    # --- ---

    def _adopt(
        self, tx: Tx, person: Person, served: Sequence[str], shared: Collection[str]
    ) -> Adopted:
        now = self._now()
        present = identities.of_person(tx, person.directory, person.id)
        new_loss = person.standing in SUSPENDED and (present is None or present.blocked is None)
        may_block = not new_loss or trust.one_more_counts(
            tx, person.directory, now, self._percent(person.directory)
        )
        adopted = adoption.adopt(tx, person, served, now, shared=shared, may_block=may_block)
        said = Limits(octets=person.quota_octets, messages=person.quota_messages)
        quota.set_limits(tx, adopted.identity.account, quota.DIRECTORY, said, now, person.directory)
        return adopted

    def _lost(self, lost: Sequence[Identity], event: str = "identity.lost") -> None:
        for identity in lost:
            self._ring(identity.number)
            self._tell_lost(identity.account)
            log.event(
                event,
                account=next(iter(identity.person.addresses), identity.account),
                directory=identity.person.directory,
                person=identity.person.dn,
                id=identity.person.id,
            )

    async def _tell_distrust(self, directory: str, before: Trust) -> None:
        """The alert, once."""
        now = await self.trust(directory)
        if now.distrusted is not None and before.distrusted is None:
            log.event(
                "directory.distrusted",
                level="error",
                directory=directory,
                losses=now.losses,
                people=now.people,
            )
        if now.distrusted is None and before.distrusted is not None:
            log.event("directory.trusted", directory=directory)

    def _percent(self, directory: str) -> float:
        return self._loss_percent.get(directory, DEFAULT_LOSS_PERCENT)

    def _tell_adopted(self, adopted: Adopted) -> None:
        person = adopted.identity.person
        about: dict[str, Any] = {
            "account": adopted.address,
            "directory": person.directory,
            "person": person.dn,
            "id": person.id,
        }
        if adopted.changes:
            name = "identity.adopted" if adopted.created else "identity.changed"
            log.event(name, what="; ".join(adopted.changes), **about)
        for conflict in adopted.conflicts:
            if self._conflicts.is_news(conflict):
                log.event("identity.conflict", level="warn", reason=conflict, **about)

    def _now(self) -> int:
        return int(self._clock())


class _News:
    """What was not said for a while; bounded."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}

    def is_news(self, text: str) -> bool:
        now = self._clock()
        if self._said.get(text, 0.0) > now:
            return False
        if len(self._said) >= MAX_SAID:
            self._said.clear()
        self._said[text] = now + SAY_AGAIN_SECONDS
        return True

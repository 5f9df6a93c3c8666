"""From a person of a directory to an account: ``IAdoption``.

The hub decides in one transaction; what needs a question to the directory or the store is here:
who has a contested address now, and the standard folders of a new account.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from zope.interface import implementer

from mailhub import log
from mailhub.interfaces import IAccount, IDirectory, IMailStore
from mailhub.interfaces_people import IAdoption, IIdentities
from mailhub.model.directory import Person
from mailhub.model.errors import CannotAdopt, Unavailable
from mailhub.model.identity import Adopted, Contested, Identity
from mailhub.model.mail import StoredCredentials
from mailhub.model.steps import UNHEARD, Hearer

MAX_CONTESTS = 10
"""Addresses that one adoption takes from others; more is a directory in disorder."""


@dataclass(frozen=True, slots=True)
class Served:
    """A directory and the domains that its people's mail is taken for."""

    directory: IDirectory
    domains: Sequence[str] = ()


@implementer(IAdoption)
class Adoption:
    """*furnish* makes the standard folders of an account; it may be called again."""

    def __init__(
        self,
        identities: IIdentities,
        store: IMailStore,
        directories: Sequence[Served],
        furnish: Callable[[IAccount], Awaitable[None]],
    ) -> None:
        self.identities = identities
        self._store = store
        self._served: Mapping[str, Served] = {s.directory.name: s for s in directories}
        self._furnish = furnish

    async def adopt(self, person: Person, steps: Hearer = UNHEARD) -> StoredCredentials:
        try:
            adopted = await self._settle(person, steps)
        except CannotAdopt as refusal:
            log.event(
                "identity.refused",
                level="error",
                directory=person.directory,
                person=person.dn,
                id=person.id,
                reason=str(refusal),
            )
            steps.add("no account", reason=str(refusal))
            raise
        identity = adopted.identity
        if not identity.welcomed:
            await self._furnish(await self._store.account(identity.account))
            await self.identities.welcomed(identity)
        stored = await self.identities.credentials_of(identity.account)
        if stored is None:
            raise Unavailable("The account has just been deleted")
        facts = {"changes": adopted.changes, "conflicts": adopted.conflicts}
        steps.add(
            "account",
            address=stored.address,
            id=stored.account,
            created=adopted.created,
            **{key: value for key, value in facts.items() if value},
        )
        return stored

    async def refresh(self, identity: Identity, steps: Hearer = UNHEARD) -> Identity | None:
        """What the hub keeps of a person, made to agree with the directory.

        None: the account is deleted.  When the directory does not answer, or its answer is not to
        be believed, the last that is known stays.
        """
        served = self._served.get(identity.person.directory)
        if served is None:  # not configured any more
            return identity
        try:
            person = await served.directory.by_id(identity.person.id, steps)
        except Unavailable as trouble:
            steps.add("directory unavailable", reason=str(trouble), used="last known")
            return identity
        if person is None:
            counts = await self.identities.missing(identity)
            steps.add("not in the directory any more", counts=counts)
        else:
            await self._settle_if_possible(person, identity, steps)
        return await self.identities.of_account(identity.account)

    async def _settle_if_possible(self, person: Person, identity: Identity, steps: Hearer) -> None:
        try:
            adopted = await self._settle(person, steps)
        except CannotAdopt as refusal:  # no address here any more: the account stays as it is
            steps.add("not updated", reason=str(refusal))
            await self.identities.confirmed(identity)
            return
        if not adopted.address:
            await self.identities.confirmed(adopted.identity)

    async def _settle(self, person: Person, steps: Hearer) -> Adopted:
        """Raises CannotAdopt, Unavailable."""
        domains = self._served[person.directory].domains
        shared: set[str] = set()
        for _ in range(MAX_CONTESTS):
            try:
                return await self.identities.adopt(person, domains, shared)
            except Contested as contest:
                if await self._is_shared(person, contest, steps):
                    shared.add(contest.address)
        raise CannotAdopt(f"{person.dn}: too many of its addresses are other people's")

    async def _is_shared(self, person: Person, contest: Contested, steps: Hearer) -> bool:
        """Let the directory say who has the address.  Raises Unavailable."""
        other = contest.other.person
        present = await self._served[person.directory].directory.by_id(other.id, steps)
        if present is not None and _has(present, contest.address):
            steps.add("address of several", address=contest.address, other=present.dn)
            return True
        steps.add("address taken over", address=contest.address, other=other.dn)
        await self.identities.displace(contest.address, contest.other)
        return False


def _has(person: Person, address: str) -> bool:
    return address.casefold() in (known.casefold() for known in person.addresses)

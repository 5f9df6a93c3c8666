"""Whom mail for an address goes to: ``IAddressBook`` over the hub and directories.

The hub is the table of recipients that are known.  A person's row in it is brought up to date when
it is old, and used as it is while the directory does not answer, so an outage delays only mail for
people who never had any.  An address that the hub does not know is asked for in every directory
that serves its domain, before the domain's catch-all gets it; that nobody has it is remembered for
a moment, for those who try names.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from zope.interface import implementer

from mailhub.interfaces import IAddressBook, IDirectory
from mailhub.model.errors import AccountDisabled, CannotAdopt, Unavailable
from mailhub.model.mail import Recipient
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.people.adoption import Adoption
from mailhub.people.freshness import Freshness

NOBODY_SECONDS = 60.0
MAX_NOBODIES = 10_000


@implementer(IAddressBook)
class AddressBook:
    """*local* is the hub; *clock* gives seconds, for what is remembered."""

    def __init__(
        self,
        local: IAddressBook,
        adoption: Adoption,
        directories: Sequence[IDirectory],
        freshness: Freshness,
        delimiter: str,
        clock: Callable[[], float],
    ) -> None:
        self._local = local
        self._adoption = adoption
        self._directories = tuple(directories)
        self._freshness = freshness
        self._delimiter = delimiter
        self._nobody = _Nobody(clock)

    async def recipient(self, address: str, steps: Hearer = UNHEARD) -> Recipient | None:
        known = await self._adoption.identities.of_address(address, steps)
        if known is None:
            await self._look_in_directories(address, steps)
            return await self._local.recipient(address, steps)
        if known.identity is not None and not self._freshness.is_fresh(known.identity):
            await self._adoption.refresh(known.identity, steps)
            known = await self._adoption.identities.of_address(address, steps)
            if known is None:  # it was an alias until now
                return await self._local.recipient(address, steps)
        if known.recipient is None:
            raise AccountDisabled
        return known.recipient

    async def _look_in_directories(self, address: str, steps: Hearer) -> None:
        """Adopt whoever has *address*.  Raises Unavailable when that cannot be known now."""
        domain = address.rpartition("@")[2]
        asked = [directory for directory in self._directories if directory.serves(domain)]
        if not asked:
            return
        if self._nobody.has(address):
            steps.add("directories", outcome="nobody had the address a moment ago; not asked again")
            return
        for candidate in self._candidates(address):
            for directory in asked:
                if await self._adopted(directory, candidate, steps):
                    return
        self._nobody.add(address)

    async def _adopted(self, directory: IDirectory, address: str, steps: Hearer) -> bool:
        """Whether *directory* knows whose *address* is, who has an account now."""
        try:
            person = await directory.by_address(address, steps)
            if person is not None:
                await self._adoption.adopt(person, steps)
            return person is not None
        except CannotAdopt as refusal:  # an administrator can mend that, so the mail shall wait
            steps.add("waits", reason=str(refusal))
            raise Unavailable("The recipient's account cannot be set up now") from refusal

    def _candidates(self, address: str) -> Sequence[str]:
        """As written, and without its detail."""
        local, at, domain = address.rpartition("@")
        at_delimiter = local.find(self._delimiter, 1) if self._delimiter else -1
        if at_delimiter < 1:
            return [address]
        return [address, local[:at_delimiter] + at + domain]


class _Nobody:
    """Addresses that nobody had a moment ago; bounded."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()

    def has(self, address: str) -> bool:
        return self._until.get(address.casefold(), 0.0) > self._clock()

    def add(self, address: str) -> None:
        self._until[address.casefold()] = self._clock() + NOBODY_SECONDS
        self._until.move_to_end(address.casefold())
        if len(self._until) > MAX_NOBODIES:
            self._until.popitem(last=False)

"""The seams between directories, the hub and whoever needs a person's account.

Beside :mod:`mailhub.interfaces`, whose rules hold here too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from zope.interface import Interface

from mailhub.model.apppasswords import AppPassword
from mailhub.model.directory import Person, PersonId
from mailhub.model.identity import Adopted, Identity, Known, Trust, Walk
from mailhub.model.mail import AccountId, StoredCredentials
from mailhub.model.steps import UNHEARD, Hearer


class IIdentities(Interface):
    """Whose the accounts are that belong to people of directories, as the hub keeps it.

    Nothing here asks a directory; what one has said is told to it.  All raise Unavailable.
    """

    async def of_address(address: str, steps: Hearer = UNHEARD) -> Known | None:
        """Whose *address* it is: account, alias, ``user+detail``; no catch-all."""

    async def of_person(directory: str, person: PersonId) -> Identity | None: ...

    async def of_account(account: AccountId) -> Identity | None: ...

    async def credentials_of(account: AccountId) -> StoredCredentials | None: ...

    async def adopt(person: Person, served: Sequence[str], shared: Collection[str] = ()) -> Adopted:
        """Make the account of *person*, or bring it up to date; *served*: the directory's domains.

        *shared*: addresses that the directory gives to others of its people as well.

        Raises CannotAdopt, Contested.
        """

    async def confirmed(identity: Identity) -> None:
        """The directory says now what it said before."""

    async def welcomed(identity: Identity) -> None:
        """The standard folders are there."""

    async def displace(address: str, identity: Identity) -> None:
        """The person has *address* no more."""

    async def missing(identity: Identity) -> bool:
        """The directory does not know the person; whether that counts (else: a mistake)."""

    async def trust(directory: str) -> Trust: ...

    async def begin_walk(directory: str, interval: float) -> Walk | None:
        """A walk to begin; None: one began less than *interval* seconds ago."""

    async def pass_by(walk: Walk, people: Sequence[Person]) -> Sequence[Person]:
        """Note that *people* are there; returns those with an account of whom something is new."""

    async def end_walk(
        directory: str, walk: Walk, suspended: Sequence[PersonId]
    ) -> Sequence[Identity]:
        """Everybody was seen; returns who is lost from now on, if that is to be believed.

        Others may have begun meanwhile: whom they have seen is not lost.
        """

    async def gone_since(directory: str, seconds: float) -> Sequence[Identity]:
        """Who has been gone for *seconds* or longer; nobody while the directory is distrusted."""

    async def delete(identity: Identity) -> None:
        """Delete the account in the hub, durably, if the person is still gone.

        Raises NoSuchAccount: it is deleted already, or the person is back.
        """


class IAppPasswords(Interface):
    """Secrets for single devices and programs."""

    async def app_password(digest: bytes) -> AppPassword | None:
        """By :func:`mailhub.model.apppasswords.digest`.  Raises Unavailable."""

    def record_app_password(number: int, address: str) -> None:
        """It is used now, from *address*.  Immediate."""


class IAdoption(Interface):
    """From a person of a directory to the account."""

    async def adopt(person: Person, steps: Hearer) -> StoredCredentials:
        """The account of *person*, made and furnished if need be, up to date.

        Raises CannotAdopt, Unavailable.
        """

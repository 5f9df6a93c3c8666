"""An address book in a dictionary."""

from __future__ import annotations

from zope.interface import implementer

from mailhub.interfaces import IAddressBook
from mailhub.model.errors import Refusal
from mailhub.model.mail import AccountId, Recipient
from mailhub.model.steps import UNHEARD, Hearer


@implementer(IAddressBook)
class MemoryAddressBook:
    """*aliases* lead to addresses in *accounts*; *refusals* are raised for theirs."""

    def __init__(self) -> None:
        self.accounts: dict[str, AccountId] = {}
        self.aliases: dict[str, str] = {}
        self.refusals: dict[str, Refusal] = {}

    async def recipient(self, address: str, steps: Hearer = UNHEARD) -> Recipient | None:
        local, _, domain = address.rpartition("@")
        user, _, detail = local.partition("+")
        plain = f"{user}@{domain}".lower()
        plain = self.aliases.get(plain, plain)
        if plain in self.refusals:
            raise self.refusals[plain]
        account = self.accounts.get(plain)
        return None if account is None else Recipient(account, plain, detail)

"""An address book that keeps to the rules of the configuration: whose mail is refused."""

from __future__ import annotations

from zope.interface import implementer

from mailhub.interfaces import IAddressBook, ILocalAccounts
from mailhub.model.errors import NotPermitted
from mailhub.model.mail import Recipient
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.rules import Rules, subject_of


@implementer(IAddressBook)
class RuledAddressBook:
    """*book* finds the recipient, *accounts* tells what rules ask about its owner."""

    def __init__(self, book: IAddressBook, accounts: ILocalAccounts, rules: Rules) -> None:
        self._book = book
        self._accounts = accounts
        self._rules = rules

    async def recipient(self, address: str, steps: Hearer = UNHEARD) -> Recipient | None:
        found = await self._book.recipient(address, steps)
        if found is not None:
            await self._keep_to_rules(found, steps)
        return found

    async def _keep_to_rules(self, found: Recipient, steps: Hearer) -> None:
        stored = await self._accounts.credentials(found.address)
        if stored is None or stored.account != found.account:  # renamed or deleted just now
            return
        decision = self._rules.decide(subject_of(stored))
        if "delivery" not in decision.rules:
            return
        decided_by = f"policy {decision.rules['delivery']}"
        outcome = "allowed" if decision.delivery else "refused"
        steps.add("policy", decided_by=decided_by, delivery=outcome)
        if not decision.delivery:
            refusal = NotPermitted("This address takes no mail")
            refusal.detail = f"{decided_by} refuses mail for {found.address}"
            raise refusal

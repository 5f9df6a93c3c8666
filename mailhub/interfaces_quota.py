"""The seam of quotas that are set, and warned of, by a protocol.

Beside :mod:`mailhub.interfaces`, whose rules hold here too.
"""

from __future__ import annotations

from zope.interface import Interface

from mailhub.interfaces import IAccount
from mailhub.model.quota import Limits, QuotaStatus


class IQuotaRoots(Interface):
    """Warnings for people; quotas of anybody, by the account's address, for administrators."""

    def administers(account: IAccount) -> bool:
        """Whether its owner may see and set others' quotas.  Immediate."""

    async def alert(account: IAccount) -> str:
        """What its owner is to be told at this log-in and not again; empty: nothing."""

    async def status(address: str) -> QuotaStatus:
        """Raises NoSuchQuotaRoot, Unavailable."""

    async def set_limits(address: str, limits: Limits, by: str) -> QuotaStatus:
        """Let *limits* be what the administrator *by* says; what they leave open stays as it was.

        Raises NoSuchQuotaRoot, Unavailable.
        """

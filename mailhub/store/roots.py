"""``IQuotaRoots`` over the hub and the store: administrators see and set anybody's quota."""

from __future__ import annotations

import time
from collections.abc import Collection

from zope.interface import implementer

from mailhub import log
from mailhub.interfaces import IAccount, IMailStore
from mailhub.interfaces_quota import IQuotaRoots
from mailhub.model.errors import NoSuchAccount, NoSuchQuotaRoot
from mailhub.model.mail import AccountId
from mailhub.model.quota import RESOURCES, Limits, QuotaStatus, described
from mailhub.store.hub import accounts, crossings, quota
from mailhub.store.hub.database import Tx
from mailhub.store.hub.errors import BadAddress
from mailhub.store.hub.hub import Hub


@implementer(IQuotaRoots)
class QuotaRoots:
    """*administrators* are primary addresses, in any case."""

    def __init__(self, hub: Hub, store: IMailStore, administrators: Collection[str]) -> None:
        self._hub = hub
        self._store = store
        self._administrators = frozenset(address.casefold() for address in administrators)

    def administers(self, account: IAccount) -> bool:
        return account.address.casefold() in self._administrators

    async def alert(self, account: IAccount) -> str:
        if not await self._hub.glance(crossings.untold, account.id):
            return ""
        status = await account.quota()
        if not await self._hub.write(crossings.tell, account.id):
            return ""  # another log-in came first
        return f"Your mailbox is {status.quota.percent(status.usage)} % full"

    async def status(self, address: str) -> QuotaStatus:
        account = await self._hub.read(_find, address)
        return await (await self._store.account(account)).quota()

    async def set_limits(self, address: str, limits: Limits, by: str) -> QuotaStatus:
        account = await self._hub.read(_find, address)
        await self._hub.write(_set, account, limits, f"{by}, SETQUOTA")
        log.event("quota.set", account=address, user=by, limits=described(limits))
        return await (await self._store.account(account)).quota()


def _set(tx: Tx, account: AccountId, limits: Limits, by: str) -> None:
    changes = {name: getattr(limits, name) for name in RESOURCES}
    said = {name: value for name, value in changes.items() if value is not None}
    wanted = quota.with_limits(quota.said_by(tx, account, quota.ADMINISTRATOR), said)
    quota.set_limits(tx, account, quota.ADMINISTRATOR, wanted, int(time.time()), by)


def _find(tx: Tx, address: str) -> AccountId:
    try:
        return accounts.by_address(tx, address).id
    except (NoSuchAccount, BadAddress):
        raise NoSuchQuotaRoot from None

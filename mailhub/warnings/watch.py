"""Who has crossed a threshold of their quota."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from mailhub import log
from mailhub.config.options import QuotaConfig
from mailhub.interfaces import IMailStore
from mailhub.model.errors import NoSuchAccount, Refusal, Unavailable
from mailhub.model.mail import AccountId, Usage
from mailhub.model.quota import Quota
from mailhub.store.hub import crossings
from mailhub.store.hub.hub import Hub

AT_ONCE = 100
"""Accounts with changed limits; a look costs a fraction of a millisecond."""


class Watch:
    """*clock* gives seconds since 1970."""

    def __init__(
        self, hub: Hub, store: IMailStore, config: QuotaConfig, clock: Callable[[], float]
    ) -> None:
        self._hub = hub
        self._store = store
        self.config = config
        """May be replaced."""
        self._clock = clock

    async def look(self, usages: Mapping[AccountId, Usage]) -> None:
        """At accounts of which the hub knows these usages.

        If it knows something newer by the time, then whoever has told it looks as well.
        """
        for account, usage in usages.items():
            try:
                await self._look_at(account, usage)
            except NoSuchAccount:
                continue
            except Refusal as trouble:
                log.event("error", level="warn", what=f"quota warnings of {account}: {trouble}")

    async def look_at_changes(self) -> None:
        """At accounts whose limits have changed, a few at a time."""
        try:
            if await self._hub.read(crossings.doubted):
                await self.look(await self._hub.write(crossings.take_doubted, AT_ONCE))
        except Unavailable:
            return  # soon again

    async def doubt_all(self) -> None:
        """The configuration is another: look at everybody, by and by."""
        await self._hub.write(crossings.doubt_all, durable=False)

    async def _look_at(self, account: AccountId, usage: Usage) -> None:
        quota = self._hub.quotas.quota(account)
        counted = usage
        if quota.warn and any(rule.ignore for rule in quota.folders):
            counted = (await (await self._store.account(account)).quota()).usage
        threshold = quota.warning(counted)
        if threshold == await self._hub.read(crossings.reached, account):
            return
        address = self._hub.account(account).address
        facts = self._facts(address, quota, counted, threshold)
        tasks = {kind: json.dumps(facts) for kind in self._kinds()}
        now = int(self._clock())
        if await self._hub.write(crossings.cross, account, usage, threshold, now, tasks):
            log.event("quota.warning", level="warn", **facts)

    def _kinds(self) -> list[str]:
        config = self.config
        return ["mail"] * config.warning_mail + ["webhook"] * bool(config.webhook)

    def _facts(self, address: str, quota: Quota, usage: Usage, threshold: int) -> dict[str, object]:
        return {
            "account": address,
            "domain": address.rpartition("@")[2],
            "threshold": threshold,
            "percent": quota.percent(usage),
            "octets": usage.octets,
            "octet_limit": quota.octets or None,
            "messages": usage.messages,
            "message_limit": quota.messages or None,
            "at": datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds"),
        }

"""Delivery: a message and its recipients in, one outcome per recipient out.

For each recipient: the filter chain decides on a placement, header lines go before the shared bytes
of the message, and the account files it.  250 may be said when :meth:`Delivery.deliver` has
returned: filing is durable by then.

A message is never lost for want of a folder: what a filter or a ``user+detail`` address asks for
and is not there is filed in INBOX.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore, gatherResults
from twisted.python.failure import Failure
from zope.interface import implementer

from mailhub import log
from mailhub.config.options import DeliveryConfig
from mailhub.delivery.trace import trace_lines
from mailhub.interfaces import (
    Envelope,
    IAccount,
    IAddressBook,
    IDelivery,
    IDeliveryFilter,
    IMailStore,
    Incoming,
    IStaged,
    IStaging,
    Outcome,
    Placement,
)
from mailhub.metrics import Metrics
from mailhub.model.errors import (
    BadMailboxName,
    FullForNow,
    LimitReached,
    MailboxExists,
    NoSuchMailbox,
    NoSuchRecipient,
    OverQuota,
    Refusal,
    Unavailable,
)
from mailhub.model.mail import Recipient
from mailhub.model.names import INBOX, MailboxName, mailbox_name
from mailhub.model.steps import UNHEARD, Hearer

CONCURRENT_RECIPIENTS = 32
"""Of one message; more would only queue for the store's writers."""


@implementer(IDelivery)
class Delivery:
    """*clock* gives the time in seconds since 1970."""

    def __init__(
        self,
        address_book: IAddressBook,
        store: IMailStore,
        filters: Sequence[IDeliveryFilter] = (),
        config: DeliveryConfig | None = None,
        hostname: str = "localhost",
        clock: Callable[[], float] = time.time,
        metrics: Metrics | None = None,
    ) -> None:
        self._address_book = address_book
        self._store = store
        self._filters = tuple(filters)
        self._config = config or DeliveryConfig()
        self._hostname = hostname
        self._clock = clock
        self._metrics = metrics or Metrics()

    async def resolve(self, address: str, size: int = 0, steps: Hearer = UNHEARD) -> Recipient:
        recipient = await self._address_book.recipient(address, steps)
        if recipient is None:
            raise NoSuchRecipient
        if size:
            await self._check_room(recipient, size, steps)
        return recipient

    async def _check_room(self, recipient: Recipient, size: int, steps: Hearer) -> None:
        """As of now, and before filters; what counts is whether there is room when it is filed."""
        try:
            account = await self._store.account(recipient.account)
            folder, exists = await self._detail_folder(account, recipient.detail)
            if exists:
                with suppress(NoSuchMailbox):  # deleted just now
                    await account.check_room(folder, size)
        except OverQuota as full:
            steps.add("quota", octets=size, outcome=str(full))
            raise self._full(full) from full
        steps.add("quota", octets=size, outcome="there is room")

    def _full(self, full: OverQuota) -> OverQuota:
        """For senders, whom the numbers do not concern."""
        told = OverQuota if self._config.over_quota == "reject" else FullForNow
        refusal = told("The mailbox has no room for the message")
        refusal.detail = str(full)
        return refusal

    def stage(self, size_hint: int = 0) -> IStaging:
        return self._store.stage(size_hint)

    async def deliver(
        self, envelope: Envelope, staged: IStaged, recipients: Sequence[Recipient]
    ) -> list[Outcome]:
        """See IDelivery.  Two addresses that are the same recipient share one copy."""
        different = list(dict.fromkeys(recipients))
        if len(different) == 1:  # nearly always: no need to run anything side by side
            outcomes = [await self._deliver_one(envelope, staged, different[0])]
        else:
            room = DeferredSemaphore(CONCURRENT_RECIPIENTS)
            outcomes = await gatherResults(
                [room.run(_started, self._deliver_one(envelope, staged, r)) for r in different]
            )
        by_recipient = dict(zip(different, outcomes, strict=True))
        return [by_recipient[recipient] for recipient in recipients]

    async def _deliver_one(
        self, envelope: Envelope, staged: IStaged, recipient: Recipient
    ) -> Outcome:
        try:
            mailbox = await self._file(envelope, staged, recipient)
        except OverQuota as full:
            return self._refused(envelope, recipient, self._full(full))
        except Refusal as refusal:
            return self._refused(envelope, recipient, refusal)
        except CancelledError:
            raise
        except Exception:
            reason_id = log.new_reason_id()
            log.failure(
                "command.failed",
                Failure(),
                conn=envelope.client.connection,
                command="delivery",
                reason_id=reason_id,
            )
            trouble = Unavailable("Internal error, try again later")
            trouble.reason_id = reason_id
            return self._refused(envelope, recipient, trouble)
        self._metrics.delivery("filed", staged.size)
        self._event("delivery.filed", envelope, recipient, mailbox=mailbox, octets=staged.size)
        return Outcome(recipient, mailbox=mailbox)

    async def _file(self, envelope: Envelope, staged: IStaged, recipient: Recipient) -> MailboxName:
        placement = Placement()
        for link in self._filters:
            placement = await link.place(envelope, staged, recipient, placement)
        account = await self._store.account(recipient.account)
        traced = staged.with_prefix(trace_lines(envelope, recipient, self._hostname, self._clock()))
        try:
            return await self._append(
                account, recipient, placement, Incoming(traced, placement.flags)
            )
        finally:
            traced.release()

    async def _append(
        self, account: IAccount, recipient: Recipient, placement: Placement, message: Incoming
    ) -> MailboxName:
        """File it where it belongs, or in INBOX: looking first would be a race."""
        wanted, exists = placement.mailbox, True
        if wanted is None:
            wanted, exists = await self._detail_folder(account, recipient.detail)
        if not exists:
            wanted = await self._created(account, wanted)
        if wanted != INBOX:
            with suppress(NoSuchMailbox):
                await account.append(wanted, [message])
                return wanted
        await account.append(INBOX, [message])
        return INBOX

    async def _detail_folder(self, account: IAccount, detail: str) -> tuple[MailboxName, bool]:
        """The folder that ``user+detail`` means, and whether it exists: else it is to be made.

        MTAs and forms change the case of addresses, so a folder that differs in case only will do.
        """
        if not detail:
            return INBOX, True
        try:
            wanted = mailbox_name(detail)
        except BadMailboxName:
            return INBOX, True
        names = [entry.name for entry in await account.mailboxes() if entry.id is not None]
        if wanted in names:
            return wanted, True
        alike = [name for name in names if name.casefold() == wanted.casefold()]
        if len(alike) == 1:
            return alike[0], True
        return (wanted, False) if self._config.create_detail_folder else (INBOX, True)

    async def _created(self, account: IAccount, name: MailboxName) -> MailboxName:
        try:
            await account.create(name)
        except MailboxExists:  # another message came first
            return name
        except LimitReached:
            return INBOX
        await account.subscribe(name)  # many clients show subscribed folders only
        return name

    def _refused(self, envelope: Envelope, recipient: Recipient, refusal: Refusal) -> Outcome:
        self._metrics.delivery("refused")
        refusal.reason_id = refusal.reason_id or log.new_reason_id()
        self._event(
            "delivery.refused",
            envelope,
            recipient,
            reason=str(refusal),
            detail=refusal.detail,
            reason_id=refusal.reason_id,
            outcome=type(refusal).__name__,
        )
        return Outcome(recipient, refusal=refusal)

    def _event(self, name: str, envelope: Envelope, recipient: Recipient, **fields: object) -> None:
        log.event(
            name,
            conn=envelope.client.connection,
            protocol=envelope.client.protocol,
            level="info",
            sender=envelope.sender,
            recipient=recipient.address,
            **fields,
        )


def _started(coroutine: Coroutine[Deferred[Any], Any, Outcome]) -> Deferred[Outcome]:
    return Deferred.fromCoroutine(coroutine)

"""What one session has moved: octets, and which messages were taken away whole.

It is told once, when the session ends; ``mailhub report protocols`` adds the sessions up.  That a
message was downloaded again is seen by comparing sessions, so nothing has to be stored for it.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from mailhub.model.numbers import NumberSet

MAX_MAILBOXES = 16
MAX_RANGES = 64
GATHERED = 256
"""Messages of one mailbox, kept as they come: joining ranges for each would cost as much as
reading a message does."""


class Traffic:
    """Counters of a connection.  ``account`` is its address, once somebody has logged in."""

    __slots__ = (
        "_gathered",
        "_mailbox",
        "_partly",
        "_retrieved",
        "account",
        "messages",
        "octets_in",
        "octets_out",
    )

    def __init__(self) -> None:
        self.account = ""
        self.octets_in = 0
        self.octets_out = 0
        self.messages = 0
        self._mailbox = 0
        self._gathered: array[int] | None = None
        self._retrieved: dict[int, NumberSet] | None = None
        self._partly = False

    def retrieved(self, mailbox: int, uids: Sequence[int]) -> None:
        """Whole messages have been sent; of very scattered ones only the number is kept."""
        self.messages += len(uids)
        if self._gathered is None:
            self._gathered = array("I")
        if mailbox != self._mailbox:
            self._join()
            self._mailbox = mailbox
        self._gathered.extend(uids)
        if len(self._gathered) > GATHERED:
            self._join()

    def _join(self) -> None:
        """Put what was gathered to the rest."""
        if not self._gathered:
            return
        uids, mailbox = NumberSet.of(*self._gathered), self._mailbox
        self._gathered = array("I")
        if self._retrieved is None:
            self._retrieved = {}
        known = self._retrieved.get(mailbox)
        if known is None and len(self._retrieved) >= MAX_MAILBOXES:
            self._partly = True
            return
        joined = uids if known is None else known | uids
        if len(joined.ranges) > MAX_RANGES:
            self._partly = True
            joined = NumberSet(joined.ranges[:MAX_RANGES])
        self._retrieved[mailbox] = joined

    def fields(self) -> dict[str, object]:
        """For the event that ends the session.  UIDs are by mailbox id, as IMAP writes sets."""
        self._join()
        retrieved = {str(mailbox): str(uids) for mailbox, uids in (self._retrieved or {}).items()}
        return {
            "account": self.account,
            "octets_in": self.octets_in,
            "octets_out": self.octets_out,
            "messages": self.messages,
            "retrieved": retrieved,
            "retrieved_partly": self._partly,
        }

"""One message on its way: from MAIL to the replies of its recipients.

A transaction counts the octets and stages them.  When something is wrong with the message (too
large, no space) the rest is still read, for the client is in the midst of sending it, and thrown
away; but a client that sends more than twice what is allowed is cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mailhub.interfaces import Envelope, IStaged, IStaging
from mailhub.model.errors import MessageTooLarge, Refusal
from mailhub.model.mail import Recipient


class TooMuch(Exception):
    """The client goes on sending a message that was refused long ago."""


class Intake:
    """The text of a message, staged as it arrives."""

    def __init__(self, stage: Callable[[int], IStaging], declared: int, limit: int) -> None:
        self._limit = limit
        self._octets = 0
        self._staging: IStaging | None = None
        self.refusal: Refusal | None = None
        try:
            self._staging = stage(declared)
        except Refusal as refusal:
            self.refusal = refusal

    async def write(self, data: bytes) -> None:
        """Take in *data*, or drop it if the message is refused already."""
        self._octets += len(data)
        if self._octets > self._limit:
            self.refuse(MessageTooLarge())
            if self._octets > 2 * self._limit:
                raise TooMuch
        if self._staging is not None:
            try:
                await self._staging.write(data)
            except Refusal as refusal:
                self.refuse(refusal)

    def refuse(self, refusal: Refusal) -> None:
        self.refusal = self.refusal or refusal
        self.discard()

    async def finish(self) -> IStaged:
        """The message; raises what it was refused for.  The caller releases it."""
        if self.refusal is not None or self._staging is None:
            raise self.refusal or MessageTooLarge()
        staging, self._staging = self._staging, None
        return await staging.finish()

    def discard(self) -> None:
        if self._staging is not None:
            self._staging.discard()
            self._staging = None


@dataclass(slots=True)
class Transaction:
    """MAIL was accepted.  ``intake``: the first BDAT chunk has come (3030 2)."""

    envelope: Envelope
    declared_size: int
    recipients: list[Recipient] = field(default_factory=list)
    intake: Intake | None = None
    broken: bool = False
    """A BDAT chunk was refused: nothing but RSET helps (3030 4.2)."""

    def discard(self) -> None:
        if self.intake is not None:
            self.intake.discard()

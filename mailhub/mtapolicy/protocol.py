"""One connection of a policy client; Postfix keeps it open for many requests."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory
from twisted.python.failure import Failure

from mailhub import log
from mailhub.interfaces import IDelivery
from mailhub.model.errors import FullForNow, MessageTooLarge, OverQuota, Refusal
from mailhub.mtapolicy.wire import Framer, TooLong, answer
from mailhub.net.connection import Connection
from mailhub.net.host import Host

NO_OPINION = "DUNNO"
_CODES = {OverQuota: "552 5.2.2", FullForNow: "452 4.2.2", MessageTooLarge: "552 5.3.4"}


class PolicyProtocol(Connection):
    needs_log_in = False

    def __init__(self, host: Host, delivery: IDelivery) -> None:
        super().__init__(host, "policy")
        self._delivery = delivery
        self._framer = Framer()
        self._waiting: Deferred[None] | None = None

    # --- hooks of Connection

    def greet(self) -> None:
        self.set_timeout(self.host.limits.lmtp_timeout)
        self.spawn(self._serve())

    def received(self, data: bytes) -> None:
        self._framer.feed(data)
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            self.hold()
        else:
            waiting.callback(None)

    def answering(self) -> bool:
        return self._waiting is None

    def disconnected(self, reason: Failure) -> None:
        """Nothing is held for a client that is gone."""

    def timed_out(self) -> None:
        """The protocol has no words for it: Postfix connects again."""

    def refused(self, reason: str) -> None:
        """Likewise."""

    def ended(self, reason: str) -> None:
        """Likewise."""

    def crashed(self) -> None:
        self.write(answer(NO_OPINION))

    # --- serving

    async def _serve(self) -> None:
        while not self.closing:
            try:
                request = self._framer.next()
            except TooLong:
                self.close()
                return
            if request is None:
                await self._more()
            else:
                self.write(answer(await self._decide(request)))

    async def _more(self) -> None:
        arrived: Deferred[None] = Deferred()
        self._waiting = arrived
        self.resume()
        await arrived

    async def _decide(self, request: Mapping[str, str]) -> str:
        """The action for a recipient; Postfix names none when it asks about a whole message."""
        seconds = self.host.reactor.seconds
        began, outcome, action = seconds(), "ok", NO_OPINION
        recipient = request.get("recipient", "")
        if recipient:
            try:
                await self._delivery.resolve(recipient, max(1, _size(request)))
            except (OverQuota, MessageTooLarge) as refusal:
                outcome, action = "refused", self._refusal(refusal, recipient)
            except Refusal:
                outcome = "other"  # not ours to say
        self.host.metrics.command("policy", "rcpt", outcome, seconds() - began)
        return action

    def _refusal(self, refusal: Refusal, recipient: str) -> str:
        refusal.reason_id = refusal.reason_id or log.new_reason_id()
        self.event(
            "recipient.refused",
            sender="",
            recipient=recipient,
            reason=str(refusal),
            detail=refusal.detail,
            reason_id=refusal.reason_id,
            outcome=type(refusal).__name__,
        )
        return f"{_CODES[type(refusal)]} <{recipient}>: {refusal} ({refusal.reason_id})"


class PolicyFactory(ServerFactory):
    """Serves policy clients; *delivery* says whether there is room."""

    noisy = False

    def __init__(self, delivery: IDelivery, host: Host) -> None:
        self._delivery = delivery
        self._host = host

    def buildProtocol(self, addr: IAddress | None) -> PolicyProtocol:
        protocol = PolicyProtocol(self._host, self._delivery)
        protocol.factory = self
        return protocol


def _size(request: Mapping[str, str]) -> int:
    """What the client has announced; 0: nothing."""
    text = request.get("size", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0

"""The LMTP of the measuring clients (RFC 2033), as an MTA speaks it: PIPELINING."""

from __future__ import annotations

from collections.abc import Sequence

from mailhub.bench.connection import Connection, Counts
from mailhub.bench.steps import Steps
from mailhub.bench.target import Target


class Lmtp(Connection):
    def __init__(self, target: Target, counts: Counts) -> None:
        super().__init__(target, target.endpoint("lmtp"), counts)

    def connect(self) -> Steps[None]:
        yield from self.open()
        yield from self._accepted("greeting")
        self.asked = b"LHLO"
        yield from self.send(b"LHLO bench.example.org\r\n")
        yield from self._accepted("LHLO")

    def deliver(self, recipients: Sequence[str], message: bytes) -> Steps[None]:
        """One message to all *recipients*; done when the server has answered for each."""
        self.asked = b"MAIL, RCPT, DATA"
        lines = [b"MAIL FROM:<sender@example.com>"]
        lines += [b"RCPT TO:<%b>" % recipient.encode() for recipient in recipients]
        lines += [b"DATA", b""]
        yield from self.send(b"\r\n".join(lines))
        for what in ("MAIL", *recipients, "DATA"):
            yield from self._accepted(what)
        self.asked = b"(the message)"
        yield from self.send(message.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        for recipient in recipients:
            yield from self._accepted(recipient)

    def log_out(self) -> Steps[None]:
        yield from self.send(b"QUIT\r\n")
        yield from self.finish()

    def _accepted(self, what: str) -> Steps[None]:
        while True:
            line = yield from self.line()
            if line[3:4] != b"-":
                break
        if line[:1] not in (b"2", b"3"):
            raise self.failed(what, line)

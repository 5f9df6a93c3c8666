"""The POP3 of the measuring clients: RFC 1939 and STLS."""

from __future__ import annotations

from mailhub.bench.connection import Connection, Counts
from mailhub.bench.steps import Steps
from mailhub.bench.target import Target


class Pop3(Connection):
    def __init__(self, target: Target, counts: Counts) -> None:
        super().__init__(target, target.endpoint("pop3"), counts)

    def log_in(self, number: int) -> Steps[None]:
        """Connect and log in with the account of client *number*."""
        yield from self.open()
        yield from self._ok("greeting")
        if self.endpoint.tls == "starttls":
            yield from self.command(b"STLS")
            yield from self.encrypt()
        yield from self.command(b"USER %b" % self.target.login(number).encode())
        yield from self.command(b"PASS %b" % self.target.password.encode())

    def log_out(self) -> Steps[None]:
        yield from self.command(b"QUIT")
        yield from self.finish()

    def command(self, text: bytes) -> Steps[bytes]:
        """A command whose reply is one line; that line."""
        shown = "PASS" if text.startswith(b"PASS ") else text.decode("utf-8", "replace")
        self.asked = shown.encode()
        yield from self.send(text + b"\r\n")
        return (yield from self._ok(shown))

    def listing(self, text: bytes) -> Steps[None]:
        """A command whose reply ends in a line of one dot: LIST, UIDL, RETR, TOP."""
        yield from self.command(text)
        yield from self.until(b"\n.\r")

    def stat(self) -> Steps[int]:
        """How many messages there are."""
        reply = yield from self.command(b"STAT")
        return int(reply.split()[1])

    def _ok(self, what: str) -> Steps[bytes]:
        line = yield from self.line()
        if not line.startswith(b"+OK"):
            raise self.failed(what, line)
        return line

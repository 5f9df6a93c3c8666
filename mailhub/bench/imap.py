"""The IMAP of the measuring clients: RFC 3501 and what newer servers offer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mailhub.bench.connection import Connection, Counts
from mailhub.bench.steps import Steps
from mailhub.bench.target import Target

_CODE = re.compile(rb"\[(UIDVALIDITY|UIDNEXT|HIGHESTMODSEQ) (\d+)\]", re.I)
_EXISTS = re.compile(rb"^\* (\d+) EXISTS", re.I | re.M)
NON_SYNCHRONIZING_MINUS = 4096  # RFC 7888 5


class Imap(Connection):
    def __init__(self, target: Target, counts: Counts) -> None:
        super().__init__(target, target.endpoint("imap"), counts)
        self._tag = 0
        self.capabilities: frozenset[str] = frozenset()

    def connect(self) -> Steps[None]:
        yield from self.open()
        greeting = yield from self.line()
        if not greeting.startswith(b"* OK"):
            raise self.failed("greeting", greeting)
        if self.endpoint.tls == "starttls":
            yield from self.command(b"STARTTLS")
            yield from self.encrypt()

    def log_in(self, number: int) -> Steps[None]:
        """Connect and log in with the account of client *number*."""
        yield from self.connect()
        user, password = _quoted(self.target.login(number)), _quoted(self.target.password)
        yield from self.command(b"LOGIN %b %b" % (user, password))

    def log_out(self) -> Steps[None]:
        yield from self.command(b"LOGOUT")
        yield from self.finish()

    def command(self, text: bytes) -> Steps[bytes]:
        """Send one command and wait for its end; the tagged line.  Raises if it is not OK."""
        tag = self._next_tag()
        self.asked = _shown(text).encode()
        yield from self.send(b"%b %b\r\n" % (tag, text))
        return (yield from self._tagged(tag, text))

    def ask(self, text: bytes) -> Steps[bytes]:
        """As command, for one whose reply is short and wanted."""
        tag = self._next_tag()
        self.asked = _shown(text).encode()
        yield from self.send(b"%b %b\r\n" % (tag, text))
        reply = yield from self.kept_until(b"\n%b " % tag)
        last = reply[reply.rfind(b"\n") + 1 :]
        if not last.startswith(tag + b" OK"):
            raise self.failed(_shown(text), last)
        return reply

    def learn(self) -> Steps[None]:
        """Ask for the capabilities that hold after log-in."""
        reply = yield from self.ask(b"CAPABILITY")
        words = reply.split(b"\n")[0].decode("ascii", "replace").upper().split()
        self.capabilities = frozenset(words[2:])

    def append(
        self, mailbox: bytes, messages: Sequence[bytes], flags: Sequence[bytes] = ()
    ) -> Steps[None]:
        """File messages: all by one command where MULTIAPPEND allows it."""
        flags = flags or [b""] * len(messages)
        if len(messages) > 1 and "MULTIAPPEND" not in self.capabilities:
            for message, flag in zip(messages, flags, strict=True):
                yield from self.append(mailbox, (message,), (flag,))
            return
        tag = self._next_tag()
        self.asked = b"APPEND"
        head = b"%b APPEND %b" % (tag, mailbox)
        at_once = self._sends_literals_at_once(messages)
        for message, flag in zip(messages, flags, strict=True):
            head += b" (%b)" % flag if flag else b""
            if at_once:
                head += b" {%d+}\r\n%b" % (len(message), message)
                continue
            yield from self.send(b"%b {%d}\r\n" % (head, len(message)))
            yield from self._continued(tag)
            head = message
        yield from self.send(head + b"\r\n")
        yield from self._tagged(tag, b"APPEND")

    def select(self, mailbox: bytes, parameters: bytes = b"") -> Steps[dict[str, int]]:
        """What SELECT tells: EXISTS, UIDVALIDITY, UIDNEXT and HIGHESTMODSEQ."""
        reply = yield from self.ask(b"SELECT %b%b" % (mailbox, parameters))
        told = {name.decode().upper(): int(value) for name, value in _CODE.findall(reply)}
        exists = _EXISTS.search(reply)
        return told | {"EXISTS": int(exists[1]) if exists else 0}

    def idle(self) -> Steps[None]:
        """Begin IDLE; pushed lines come by line()."""
        self.asked = b"IDLE"
        yield from self.send(b"%b IDLE\r\n" % self._next_tag())
        yield from self.until(b"\n+")

    def done(self) -> Steps[None]:
        tag = b"z%d" % self._tag
        yield from self.send(b"DONE\r\n")
        yield from self._tagged(tag, b"IDLE")

    def _sends_literals_at_once(self, messages: Sequence[bytes]) -> bool:  # RFC 7888
        if "LITERAL+" in self.capabilities:
            return True
        small = all(len(message) <= NON_SYNCHRONIZING_MINUS for message in messages)
        return small and bool({"LITERAL-", "IMAP4REV2"} & self.capabilities)

    def _continued(self, tag: bytes) -> Steps[None]:
        while True:
            line = yield from self.line()
            if line.startswith(b"+"):
                return
            if line.startswith(tag + b" "):
                raise self.failed("APPEND", line)

    def _tagged(self, tag: bytes, text: bytes) -> Steps[bytes]:
        line = yield from self.until(b"\n%b " % tag)
        if not line.startswith(tag + b" OK"):
            raise self.failed(_shown(text), line)
        return line

    def _next_tag(self) -> bytes:
        self._tag += 1
        return b"z%d" % self._tag


def _shown(command: bytes) -> str:
    """A command as errors show it: without the password."""
    if command.startswith(b"LOGIN "):
        return "LOGIN"
    return command[:60].decode("utf-8", "replace")


def _quoted(text: str) -> bytes:
    return b'"%b"' % text.replace("\\", "\\\\").replace('"', '\\"').encode()

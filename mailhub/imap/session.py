"""One client's session: what command handlers see of it, and may do with it.

A handler answers with :meth:`Session.untagged` (values, encoded by the writer) and, for long
answers, with whole rendered lines to :meth:`Session.write`, awaiting :meth:`Session.ready` between
slices.  The tagged reply, the updates before it and all error replies are dispatch's business.
"""

from __future__ import annotations

import enum
import re
from contextlib import suppress
from functools import lru_cache

from mailhub.config.options import ImapConfig
from mailhub.imap import updates
from mailhub.imap.input import Input, MessageInput
from mailhub.imap.selected import Selected
from mailhub.imap.wire import writer
from mailhub.imap.wire.writer import Code, Item, Text
from mailhub.interfaces import IAccount
from mailhub.interfaces_quota import IQuotaRoots
from mailhub.model.errors import Unavailable
from mailhub.model.mail import Client
from mailhub.model.numbers import ModSeq
from mailhub.net.connection import Connection
from mailhub.net.login import LoggedIn, LogIn

_LITERAL_MARK = re.compile(rb"\{[0-9]+\}\r\n")


class State(enum.Enum):
    """RFC 9051 3.  As what a command declares: where it is allowed."""

    ANY = "any"
    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated or selected"
    SELECTED = "selected"


class Session:
    """See the module.

    ``tag`` is that of the running command, ``message`` its message input; ``by_uid``: it is a UID
    command, whose FETCH responses all carry the UID (9051 6.4.9).
    """

    __slots__ = (
        "_enabled",
        "_logged_in",
        "by_uid",
        "config",
        "connection",
        "idling",
        "input",
        "log_in",
        "message",
        "quota_roots",
        "selected",
        "tag",
    )

    def __init__(
        self,
        connection: Connection,
        source: Input,
        log_in: LogIn,
        config: ImapConfig,
        quota_roots: IQuotaRoots | None = None,
    ) -> None:
        self.connection = connection
        self.input = source
        self.log_in = log_in
        self.config = config
        self.quota_roots = quota_roots
        """For administrators; None: nobody can set quotas here."""
        self.tag = ""
        self.by_uid = False
        self.message: MessageInput | None = None
        self.selected: Selected | None = None
        self.idling = False
        self._enabled: set[str] = set()
        self._logged_in: LoggedIn | None = None

    # --- who and where

    @property
    def state(self) -> State:
        if self._logged_in is None:
            return State.NOT_AUTHENTICATED
        return State.AUTHENTICATED if self.selected is None else State.SELECTED

    @property
    def client(self) -> Client:
        return self.connection.client

    @property
    def account(self) -> IAccount:
        assert self._logged_in is not None, "not logged in"
        return self._logged_in.account

    @property
    def current(self) -> Selected:
        """The selected mailbox, in a handler of the selected state."""
        assert self.selected is not None, "no mailbox is selected"
        return self.selected

    @property
    def max_message(self) -> int:
        """The octets that a message may have.  Of the server, and of the account if it has less."""
        most = self.connection.host.limits.max_message
        own = 0
        if self._logged_in is not None:
            with suppress(Unavailable):  # then the store says so when it is to file something
                own = self._logged_in.account.max_message()
        return min(most, own or most)

    def now(self) -> float:
        """Seconds since 1970."""
        return self.connection.host.reactor.seconds()

    # --- what the client can bear

    @property
    def rev2(self) -> bool:
        return "IMAP4REV2" in self._enabled

    @property
    def utf8(self) -> bool:
        """Mailbox names and quoted strings are UTF-8 (9051 5.1)."""
        return self.rev2

    @property
    def condstore(self) -> bool:
        """The client wants MODSEQ in every FETCH (RFC 7162 3.1)."""
        return "CONDSTORE" in self._enabled

    @property
    def qresync(self) -> bool:
        """The client wants VANISHED in place of EXPUNGE (RFC 7162 3.2.3)."""
        return "QRESYNC" in self._enabled

    def enable(self, capability: str) -> None:
        """Note that the client understands *capability*."""
        name = capability.upper()
        if name in ("CONDSTORE", "QRESYNC"):  # 7162 3.2.3
            self.enable_condstore()
        self._enabled.add(name)

    def enable_condstore(self) -> None:
        """The client used something of CONDSTORE.  Idempotent."""
        if not self.condstore:
            self._enabled.add("CONDSTORE")
            if self.selected is not None:  # 7162 3.1
                code = Code("HIGHESTMODSEQ", self.selected.modseq)
                self.untagged("OK", code, Text("CONDSTORE is enabled"))

    # --- answering

    def untagged(self, *items: Item) -> None:
        self._send("*", *items)

    def tagged(
        self, status: str, text: str, code: Code | None = None, *, recorded: bool = True
    ) -> None:
        """The reply; not *recorded*: its tag may be anything, such as a password sent too late."""
        if recorded and code is None:  # nearly all of them
            self.lines(b"%b %b\r\n" % (self.tag.encode(), _status(status, text)))
            return
        items: list[Item] = [status, *([] if code is None else [code]), Text(text)]
        if recorded:
            self._send(self.tag, *items)
        else:
            self.connection.write(writer.line(self.tag, *items, utf8=self.utf8))
            self.connection.recorder.sent(writer.line("...", *items))

    def continuation(self, text: str) -> None:
        """Ask for more: the rest of the command, or DONE."""
        self._send("+", Text(text))

    def challenge(self, data: bytes) -> None:
        """A continuation request whose text is *data*, which must not be recorded."""
        self.connection.write(b"+ %b\r\n" % data)

    def bye(self, text: str, code: str = "") -> None:
        """Say why, and close the connection."""
        self.untagged("BYE", *([Code(code)] if code else []), Text(text))
        self.connection.close()

    def lines(self, data: bytes) -> None:
        """Whole response lines, rendered already and without literals."""
        self.connection.write(data)
        self.connection.recorder.sent(data)

    def write(self, data: bytes) -> None:
        """Whole response lines or pieces of one, rendered already; not in the flight record."""
        self.connection.write(data)

    async def ready(self) -> None:
        """Between slices of a long answer: let others have their turn, and the client read."""
        await self.connection.ready()

    def _send(self, *items: Item) -> None:
        line = writer.line(*items, utf8=self.utf8)
        self.connection.write(line)
        self.connection.recorder.sent(without_literals(line))

    # --- changing state

    def enter(self, logged_in: LoggedIn) -> None:
        self._logged_in = logged_in
        self.connection.set_timeout(self.connection.host.limits.idle_timeout)

    def select(self, selected: Selected) -> None:
        assert self.selected is None
        self.selected = selected

    def start_tls(self) -> None:
        """Speak TLS from now on; what has come in clear and was not read is dropped."""
        self.input.forget()
        self.connection.start_tls()

    def unselect(self) -> None:
        """Forget the selected mailbox, if there is one."""
        selected, self.selected = self.selected, None
        if selected is not None:
            selected.close()

    def end(self) -> None:
        """The connection is gone."""
        self.unselect()
        logged_in, self._logged_in = self._logged_in, None
        if logged_in is not None:
            logged_in.logout()

    def mailbox_changed(self) -> None:
        """Something happened in the selected mailbox: whoever idles looks at once."""
        if self.idling:
            self.input.poke()

    async def catch_up(
        self, *, expunge: bool = False, quiet: ModSeq | None = None, told: ModSeq | None = None
    ) -> None:
        """Tell the client what happened in its mailbox; see :func:`updates.catch_up`."""
        if self.selected is not None:
            await updates.catch_up(self, self.selected, expunge=expunge, quiet=quiet, told=told)


@lru_cache(256)
def _status(status: str, text: str) -> bytes:
    return writer.render((status, Text(text)))


def without_literals(line: bytes) -> bytes:
    """*line* up to the first literal's octets, for the flight record."""
    mark = _LITERAL_MARK.search(line)
    return line if mark is None else line[: mark.end()] + b"..."

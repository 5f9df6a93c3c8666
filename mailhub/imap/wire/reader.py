"""What a command's ``parse`` function reads its arguments with.  RFC 9051 9.

It asks for what the grammar says comes next; whatever else comes raises
:class:`~.errors.SyntaxRefused`, which dispatch answers with BAD.  (A mailbox name that is
well-formed but impossible raises BadMailboxName instead, which is answered with NO.)

What one command alone needs is read by that command: sections by FETCH, search keys by SEARCH.

Mailbox names are taken in the forms that clients really use: raw 8-bit bytes, quoted or not, and
a separator at the end.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from dataclasses import dataclass

from mailhub.imap.wire import utf7
from mailhub.imap.wire.dates import parse_date_time, parse_day
from mailhub.imap.wire.events import Framed
from mailhub.imap.wire.tokens import Tokens, decode_text
from mailhub.model.errors import BadMailboxName
from mailhub.model.flags import MAX_KEYWORD_OCTETS, SYSTEM_FLAGS, canonical_flag
from mailhub.model.mail import InternalDate
from mailhub.model.names import SEPARATOR, MailboxName, mailbox_name

_PATTERN = re.compile(rb"[!#$%&'*+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~\x80-\xff]+")
_FLAG = re.compile(rb"\\?[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+")
_ATTRIBUTE = re.compile(rb"\\[A-Za-z0-9.\-_]+")
_RECENT = "\\recent"


def _settable(flags: list[str]) -> frozenset[str]:
    return frozenset(flag for flag in flags if flag.lower() != _RECENT)


@dataclass(frozen=True, slots=True)
class GivenName:
    """A mailbox name, and how the client wrote it."""

    name: MailboxName
    given: str

    @property
    def normalised(self) -> bool:
        """Another Unicode form of the name was given; INBOX in another case is none."""
        return not unicodedata.is_normalized("NFC", self.given)


class Reader(Tokens):
    """A command's arguments.  ``utf8``: mailbox names are UTF-8, not modified UTF-7."""

    __slots__ = ("utf8",)

    def __init__(self, command: Framed, *, utf8: bool = False) -> None:
        super().__init__(command)
        self.utf8 = utf8

    # --- flags

    def flag(self) -> str:
        """A system flag in canonical spelling, or a keyword as written."""
        start = self._position
        name = canonical_flag(self.take(_FLAG, "A flag").decode("ascii"))
        if name.startswith("\\") and name not in SYSTEM_FLAGS and name.lower() != _RECENT:
            raise self._refused_from(start, "Unknown system flag")
        if len(name) > MAX_KEYWORD_OCTETS:
            raise self._refused_from(start, "The keyword is too long")
        return name

    def flag_list(self) -> frozenset[str]:
        """A list in parentheses, perhaps empty; \\Recent is dropped (3501 2.3.2: not settable)."""
        return _settable(self.items(self.flag, may_be_empty=True))

    def flags(self) -> frozenset[str]:
        """STORE's flags: a list in parentheses or bare flags up to the end (9051 9)."""
        if self.peek() == b"(":
            return self.flag_list()
        found = [self.flag()]
        while self.more():
            found.append(self.flag())
        return _settable(found)

    # --- mailboxes

    def mailbox(self) -> MailboxName:
        """Raises BadMailboxName for a name that no mailbox can have."""
        return self.given_mailbox().name

    def given_mailbox(self) -> GivenName:
        """A mailbox name where OLDNAME may have to tell the client's own form of it."""
        text = self._decode_name(self.astring_bytes())
        # 9051 6.3.4: at the end of a name a separator only announces children.
        name = text.removesuffix(SEPARATOR) or text
        return GivenName(mailbox_name(name), name)

    def attribute(self) -> str:
        """A mailbox attribute such as \\Archive, as written."""
        return self.take(_ATTRIBUTE, "A mailbox attribute").decode("ascii")

    def reference(self) -> str:
        """LIST's reference: any text, perhaps empty."""
        return self._decode_pattern(self.astring_bytes())

    def list_mailbox(self) -> str:
        """A list-mailbox: a name with wildcards, perhaps empty."""
        found = self._string_or_none()
        return self._decode_pattern(self.take(_PATTERN, "A mailbox") if found is None else found)

    def _decode_pattern(self, data: bytes) -> str:
        """What is no name matches none; LIST does not complain about it (9051 6.3.9)."""
        try:
            return self._decode_name(data)
        except BadMailboxName:
            return decode_text(data)

    def _decode_name(self, data: bytes) -> str:
        # 9051 5.1: UTF-8 once IMAP4rev2 is enabled.  Raw 8-bit bytes cannot be UTF-7, so a
        # client that sends them before means UTF-8.
        text = decode_text(data)
        return text if self.utf8 or not text.isascii() else utf7.decode(text)

    # --- dates

    def date(self) -> datetime.date:
        """SEARCH's date, quoted or not."""
        if self.peek() == b'"':
            return parse_day(decode_text(self.string()))
        return parse_day(self.atom())

    def date_time(self) -> InternalDate:
        if self.peek() != b'"':
            raise self.refused("A date and time expected")
        return parse_date_time(decode_text(self.string()))

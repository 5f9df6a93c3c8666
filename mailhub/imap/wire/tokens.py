"""The lexical half of a reader: punctuation, words, numbers, strings, lists.  RFC 9051 9.

Lenient where clients are known to be loose and nothing is ambiguous: 8-bit bytes in strings, a
backslash before any quoted character, spaces at the end of a command and at either end of a list.
Never lenient about NUL, CR and LF.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.imap.wire.events import Framed
from mailhub.imap.wire.sequence import SequenceSet, parse_sequence_set
from mailhub.model.numbers import MAX_UID

T = TypeVar("T")

MAX_NUMBER64 = 2**63 - 1

_ATOM = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+")
_ASTRING = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~\x80-\xff]+")
_TAG = re.compile(rb"[!#$&',\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+")
_WORD = re.compile(rb"[A-Za-z0-9.\-_+]+")
_NUMBER = re.compile(rb"[0-9]{1,20}(?![0-9])")
_SET = re.compile(rb"[0-9:*,]+|\$")
_QUOTED = re.compile(rb'"([^"\\\r\n\x00]*(?:\\[^\r\n\x00][^"\\\r\n\x00]*)*)"')
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_LITERAL = re.compile(rb"(~?)\{[0-9]+\+?\}\r\n")
_SPACES = re.compile(rb" *")
_MORE = re.compile(rb" (?= *[^ )])")


def decode_text(data: bytes) -> str:
    """UTF-8, or Latin-1 when it is not that: never fails."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


class Tokens:
    """A position in a command."""

    __slots__ = ("_literals", "_next_literal", "_position", "_text")

    def __init__(self, command: Framed) -> None:
        self._text = command.text
        self._literals = command.literals
        self._position = 0
        self._next_literal = 0

    # --- looking

    @property
    def at_end(self) -> bool:
        return self._position >= len(self._text)

    def peek(self, octets: int = 1) -> bytes:
        """The next octets, without taking them; fewer at the end."""
        return self._text[self._position : self._position + octets]

    @property
    def remaining(self) -> bytes:
        """All that has not been taken."""
        return self._text[self._position :]

    def next_is(self, token: bytes) -> bool:
        """Whether *token* comes next, in any case."""
        return self.peek(len(token)).upper() == token.upper()

    # --- punctuation

    def accept(self, token: bytes) -> bool:
        """Take *token* if it comes next, in any case; whether it did."""
        found = self.next_is(token)
        if found:
            self._position += len(token)
        return found

    def expect(self, token: bytes) -> None:
        if not self.accept(token):
            raise self.refused(f"'{token.decode()}' expected")

    def sp(self) -> None:
        if not self.accept(b" "):
            raise self.refused("Missing argument" if self.at_end else "A space expected")

    def more(self) -> bool:
        """Take the space before another argument of this command or list, if there is one."""
        return self._match(_MORE) is not None

    def close(self) -> None:
        """The end of a list."""
        self._match(_SPACES)
        self.expect(b")")

    def end(self) -> None:
        """The command ends here; spaces at its end are forgiven."""
        if self.at_end:
            return
        self._match(_SPACES)
        if not self.at_end:
            raise self.refused("Unexpected text")

    def refused(self, what: str) -> SyntaxRefused:
        """The error to raise; it names the place."""
        rest = self._text[self._position : self._position + 20].decode("latin-1").rstrip("\r\n")
        shown = "".join(c if " " <= c <= "~" else "?" for c in rest)
        return SyntaxRefused(what, f"'{shown}'" if shown else "the end")

    def _refused_from(self, start: int, what: str) -> SyntaxRefused:
        """As :meth:`refused`, for what has been taken already."""
        self._position = start
        return self.refused(what)

    def take(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        """What *pattern* matches here; *what* names it when it does not."""
        found = self._match(pattern)
        if found is None:
            raise self.refused(f"{what} expected")
        return found

    def _match(self, pattern: re.Pattern[bytes]) -> bytes | None:
        match = pattern.match(self._text, self._position)
        if match is None:
            return None
        self._position = match.end()
        return match[0]

    # --- words and numbers

    def tag(self) -> str:
        return self.take(_TAG, "A tag").decode("ascii")

    def atom(self) -> str:
        return self.take(_ATOM, "An atom").decode("ascii")

    def word(self) -> str:
        """A keyword of the grammar, in upper case: letters, digits and ``. - _ +``."""
        return self.take(_WORD, "A word").decode("ascii").upper()

    def one_of(self, words: Sequence[str]) -> str:
        """One of *words* (upper case)."""
        start = self._position
        found = self.word()
        if found not in words:
            raise self._refused_from(start, "Unknown word")
        return found

    def number(self) -> int:
        return self._number(MAX_UID)

    def nz_number(self) -> int:
        start = self._position
        found = self._number(MAX_UID)
        if not found:
            raise self._refused_from(start, "Zero is not allowed")
        return found

    def number64(self) -> int:
        return self._number(MAX_NUMBER64)

    def _number(self, largest: int) -> int:
        start = self._position
        found = int(self.take(_NUMBER, "A number"))
        if found > largest:
            raise self._refused_from(start, "The number is too large")
        return found

    def sequence_set(self) -> SequenceSet:
        return parse_sequence_set(self.take(_SET, "A set of message numbers"))

    # --- strings

    def string(self) -> bytes:
        """A quoted string or a literal."""
        found = self._string_or_none()
        if found is None:
            raise self.refused("A string expected")
        return found

    def _string_or_none(self) -> bytes | None:
        match = _QUOTED.match(self._text, self._position)
        if match is not None:
            self._position = match.end()
            return _ESCAPE.sub(rb"\1", match[1]) if b"\\" in match[1] else match[1]
        mark = self._match(_LITERAL)
        if mark is None:
            return None
        if self._next_literal == len(self._literals):
            raise self.refused("A literal that has not come yet")
        found = self._literals[self._next_literal]
        self._next_literal += 1
        if b"\0" in found and not mark.startswith(b"~"):
            raise self.refused("A literal must not contain NUL")  # 9051 4.3, 4.4
        return found

    def announced_literal(self) -> None:
        """The mark of a message literal, which ends what has come of the command."""
        self.take(_LITERAL, "A literal")
        self.end()

    def nstring(self) -> bytes | None:
        if self.accept(b"NIL"):
            return None
        return self.string()

    def astring_bytes(self) -> bytes:
        """An astring as it came; SEARCH decodes it by its CHARSET."""
        found = self._string_or_none()
        return self.take(_ASTRING, "A string") if found is None else found

    def astring(self) -> str:
        return decode_text(self.astring_bytes())

    # --- lists

    def items(self, item: Callable[[], T], *, may_be_empty: bool = False) -> list[T]:
        """``(item SP item ...)``, each read by *item*."""
        self.expect(b"(")
        self._match(_SPACES)
        found: list[T] = []
        if not may_be_empty or not self.next_is(b")"):
            found.append(item())
            while self.more():
                found.append(item())
        self.close()
        return found

"""From values to IMAP's bytes: the only place that encodes.  RFC 9051 4, 9.

A response is given as items: a ``str`` is an atom and must be one, an ``int`` a number, a list a
parenthesised list; everything that may hold a client's or a stranger's text says how it is to be
written.  So no text, whatever is in it, can end a line or begin a literal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailhub.imap.wire import utf7

_ATOM = re.compile(r"[!#$%&'*+,\-./0-9:;<=>?@A-Z\[\\\]^_`a-z|}~]+\Z")
_PLAIN = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z^_`a-z|}~]+\Z")
_QUOTABLE = re.compile(rb"[^\x00\r\n\x80-\xff]*\Z")
_QUOTABLE_UTF8 = re.compile(rb"[^\x00\r\n]*\Z")
_NOT_TEXT = re.compile(r"[^\x20-\x7e]")
_LONGEST_QUOTED = 1024  # some clients read quoted strings into small buffers


@dataclass(frozen=True, slots=True)
class Raw:
    """Already in wire form: what mime has stored, or a piece rendered before."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Quoted:
    """A string in quotes, or a literal if it does not fit into quotes."""

    text: str


@dataclass(frozen=True, slots=True)
class Astring:
    """As an atom where that is possible."""

    text: str


@dataclass(frozen=True, slots=True)
class NString:
    """A string or NIL."""

    value: str | bytes | None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox name, in modified UTF-7 or UTF-8 as the session has it."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """Human-readable text up to the end of the line; whatever is not printable becomes ``?``."""

    text: str


class Code:
    """A response code: ``[NAME arguments]``."""

    __slots__ = ("items",)

    def __init__(self, *items: Item) -> None:
        self.items = items


Item = str | int | Raw | Quoted | Astring | NString | Mailbox | Text | Code | Sequence["Item"]


def render(items: Iterable[Item], *, utf8: bool = False) -> bytes:
    """The items with a space between each two.  ValueError: a ``str`` that is no atom."""
    return b" ".join([_render(item, utf8) for item in items])


def line(*items: Item, utf8: bool = False) -> bytes:
    """The items as a whole response line."""
    return render(items, utf8=utf8) + b"\r\n"


def string(data: bytes, *, utf8: bool = False) -> bytes:
    """*data* in quotes, or as a literal."""
    quotable = _QUOTABLE_UTF8 if utf8 and _is_utf8(data) else _QUOTABLE
    if len(data) > _LONGEST_QUOTED or not quotable.match(data):
        return literal(data)
    return b'"%b"' % data.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def literal(data: bytes) -> bytes:
    """*data* as a literal, or as a literal8 if it holds NUL (9051 4.4.2, RFC 3516 4.2)."""
    return b"%b{%d}\r\n%b" % (b"~" if b"\0" in data else b"", len(data), data)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _render(item: Item, utf8: bool) -> bytes:
    match item:
        case str():
            return _atom(item)
        case int():
            return b"%d" % item
        case Raw(data):
            return data
        case Quoted(text):
            return string(text.encode(), utf8=utf8)
        case Astring(text):
            return _astring(text.encode(), utf8)
        case NString(value):
            return _nstring(value, utf8)
        case Mailbox(name):
            return _astring((name if utf8 else utf7.encode(name)).encode(), utf8)
        case Text(text):
            return _NOT_TEXT.sub("?", text).encode("ascii")
        case Code():
            return b"[%b]" % render(item.items, utf8=utf8)
        case _:
            return b"(%b)" % render(item, utf8=utf8)


def _atom(text: str) -> bytes:
    if not _ATOM.match(text):
        raise ValueError(f"not an atom: {text!r}")
    return text.encode("ascii")


def _astring(data: bytes, utf8: bool) -> bytes:
    # NIL would be read as an nstring by clients that expect one.
    if _PLAIN.match(data) and data.upper() != b"NIL":
        return data
    return string(data, utf8=utf8)


def _nstring(value: str | bytes | None, utf8: bool) -> bytes:
    if value is None:
        return b"NIL"
    return string(value.encode() if isinstance(value, str) else value, utf8=utf8)

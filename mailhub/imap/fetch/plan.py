"""A FETCH command compiled once: one template for the line, and the columns that fill it.

``* %d FETCH (UID %d FLAGS (%b))`` is filled from three columns by one ``%`` per message; this is
what lets Python write millions of lines a second.  There is no object per message.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, compress
from typing import Any, NamedTuple

from mailhub.imap.fetch.sections import Section
from mailhub.model.mail import Field, FlagRows, Rows
from mailhub.model.numbers import NumberSet


class Batch(NamedTuple):
    """A slice of messages, column by column; ``columns`` has what the items asked for."""

    uids: array[int]
    columns: Mapping[Field, Sequence[Any]]
    keywords: tuple[str, ...] = ()
    recent: NumberSet = NumberSet()

    def part(self, start: int, stop: int) -> Batch:
        columns = {field: column[start:stop] for field, column in self.columns.items()}
        return self._replace(uids=self.uids[start:stop], columns=columns)

    def pick(self, wanted: Sequence[object]) -> Batch:
        """The messages for which *wanted* is true."""
        columns = {field: list(compress(c, wanted)) for field, c in self.columns.items()}
        return self._replace(uids=array("I", compress(self.uids, wanted)), columns=columns)


Values = Callable[[Batch], tuple[Iterable[object], ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One data item as it stands in the answer.  Each is equal to itself only.

    ``wire`` is its part of the template and has one ``%`` conversion for each column that
    ``values`` gives; ``name`` is what the item is called in the answer.  ``section`` is set when
    the value is taken from the message's own bytes, which may have to be streamed.
    """

    name: bytes
    wire: bytes
    fields: tuple[Field, ...]
    values: Values
    section: Section | None = None


WHOLE = frozenset((b"BODY[]", b"BODY[TEXT]", b"RFC822", b"RFC822.TEXT"))
"""With these, a message counts as taken away whole."""


def escape(text: bytes) -> bytes:
    """*text* for use in a template: a section may name a header field with a per cent sign."""
    return text.replace(b"%", b"%%")


class Plan:
    """Items in their order, the fields to read for them, and how lines are made.

    ``flags_only``: :meth:`IMailbox.flags` has all that is needed.
    """

    @staticmethod
    @lru_cache(512)
    def of(items: tuple[Item, ...]) -> Plan:
        """Clients that fetch message by message always ask for the same items."""
        return Plan(items)

    def __init__(self, items: Sequence[Item]) -> None:
        unique = {item.name: item for item in items}
        self.items = tuple(unique.values())
        self.fields = tuple(dict.fromkeys(f for item in self.items for f in item.fields))
        self.whole = not WHOLE.isdisjoint(unique)
        self.flags_only = {Field.FLAGS, Field.MODSEQ}.issuperset(self.fields)
        self._with_content = any(item.section is not None for item in self.items)
        body = b" ".join(item.wire for item in self.items)
        self._template = b"* %d FETCH (" + body + b")\r\n"

    def lines(self, numbers: Sequence[int], batch: Batch) -> bytes:
        """The FETCH responses of a batch whose messages have these sequence *numbers*."""
        columns = [column for item in self.items for column in item.values(batch)]
        template, rows = self._template, zip(numbers, *columns, strict=True)
        if self._with_content:
            return b"".join([template % row for row in rows])
        # Short lines: one formatting of all is quicker than one of each.
        return template * len(numbers) % tuple(chain.from_iterable(rows))


def columns_of(rows: Rows, fields: Sequence[Field]) -> Batch:
    return Batch(rows.uids, dict(zip(fields, rows.columns, strict=True)))


def columns_of_flags(rows: FlagRows) -> Batch:
    return Batch(rows.uids, {Field.FLAGS: rows.flags, Field.MODSEQ: rows.modseqs})

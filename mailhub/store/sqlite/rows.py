"""FETCH's columns: a slice of messages as one packed row.

Integers, and the lengths of what is not one, stand interleaved in one string; texts and octets
of a column stand end to end.  Expunged messages are read from their own table and merged in,
which costs one look when there are none.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import apsw

from mailhub.model.errors import MailboxGone
from mailhub.model.mail import Field, MailboxId, Rows
from mailhub.model.numbers import NumberSet, Uid
from mailhub.store.sqlite.connection import row, snapshot, value
from mailhub.store.sqlite.packing import among, clipped, cut, unpack_integers

HEADER_OCTETS = {Field.HEADER: 2_048, Field.FIELDS: 1_024}
"""What a header counts for when a slice is measured: how long it is, is not known before."""
LONG_HEADER = 16_384
"""A slice that holds headers and no more ends before one that is longer."""
LONG_HEADERS = 16
"""So many of them are read at once."""


@dataclass(frozen=True, slots=True)
class Column:
    """Where a Field comes from, and what it is made of."""

    sql: str
    kind: type = int
    prefix: str = ""
    """Of an object id: M or T, then the account's tag, then the number."""
    short: str = ""
    """The same, but NULL for what takes a LONG_HEADER."""


# coalesce looks for the header only where nothing is packed.
PACKED = "(SELECT packed FROM fields WHERE content = m.content)"
HEADER_AS_IT_IS = "SELECT CAST(char(10) || header AS BLOB) FROM body WHERE content = m.content"

COLUMNS: dict[Field, Column] = {
    Field.FLAGS: Column("m.flags"),
    Field.MODSEQ: Column("m.modseq"),
    Field.DATE: Column("m.received"),
    Field.ZONE: Column("m.zone"),
    Field.SAVED: Column("m.saved"),
    Field.SIZE: Column("m.size"),
    Field.EMAILID: Column("m.content", prefix="M"),
    Field.THREADID: Column("c.thread", prefix="T"),
    Field.UIDL: Column("m.uidl", str),
    Field.ENVELOPE: Column("c.envelope", bytes),
    Field.BODYSTRUCTURE: Column("c.bodystructure", bytes),
    Field.PREVIEW: Column("c.preview", str),
    Field.PARTS: Column("c.parts", bytes),
    Field.HEADER: Column(
        "b.header",
        bytes,
        short=f"iif(octet_length(b.header) > {LONG_HEADER}, NULL, b.header)",
    ),
    Field.FIELDS: Column(
        f"coalesce({PACKED}, ({HEADER_AS_IT_IS}))",
        bytes,
        short=f"coalesce({PACKED}, ({HEADER_AS_IT_IS} AND octet_length(header) <= {LONG_HEADER}))",
    ),
    Field.REST: Column("b.rest", bytes),
}

CONTENT = " CROSS JOIN content AS c ON c.id = m.content"
BODY = " CROSS JOIN body AS b ON b.content = m.content"
EXPUNGED = (
    "WITH gone(any) AS (SELECT EXISTS ("
    "SELECT 1 FROM expunged WHERE mailbox = ? AND uid BETWEEN ? AND ?) FROM mailbox WHERE id = ?)"
)
"""Whether any were; no row for a mailbox that is gone."""
ALONE = "coalesce((SELECT iif(any, 0, ?) FROM gone), 0)"
NO_ROWS = Rows(array("I"), (), None)


def rows(
    db: apsw.Connection,
    fields: Sequence[Field],
    mailbox: MailboxId,
    uids: NumberSet,
    after: int,
    limit: int,
    octets: int,
) -> Rows:
    """A slice of messages, the recently expunged included.  Raises MailboxGone."""
    reading = _Reading(db, tuple(fields), mailbox)
    if uids.ranges and uids.lowest == uids.highest > after:
        only = reading.one(uids.lowest)
        if only is not None:  # the rule: nothing else to be asked, and one statement is consistent
            return only
    while True:
        part, reach = clipped(uids, after)
        if not part:
            return NO_ROWS
        found = reading.slice(part, limit, octets)
        if found.uids or reach is None:
            resume = found.resume or (None if reach is None else Uid(reach))
            return Rows(found.uids, found.columns, resume)
        after = reach


@dataclass(frozen=True, slots=True)
class _Reading:
    db: apsw.Connection
    fields: tuple[Field, ...]
    mailbox: MailboxId

    def one(self, uid: int) -> Rows | None:
        """A message that is there, without packing."""
        found = row(self.db, _statement_of_one(self.fields), (self.mailbox, uid))
        if found is None:
            return None
        tag, *values = found
        columns = [
            [f"{prefix}{tag}{value:x}" if (prefix := COLUMNS[field].prefix) else value]
            for field, value in zip(self.fields, values, strict=True)
        ]
        return Rows(array("I", (uid,)), columns, None)

    def slice(self, uids: NumberSet, limit: int, octets: int) -> Rows:
        """The first messages of *uids*; it tells where to resume if there are more."""
        found = None
        if Field.REST not in self.fields:
            for field in HEADER_OCTETS.keys() & self.fields:
                limit = min(limit, max(octets // HEADER_OCTETS[field], 1))
            found = self._alone(uids, limit)
        if found is None:
            with snapshot(self.db):
                found = self._with_expunged(uids, limit, octets)
        return found

    def _alone(self, uids: NumberSet, limit: int) -> Rows | None:
        """By one statement, if nothing was expunged there lately and no long header comes first."""
        source, bindings = among(self.mailbox, uids)
        asked = (self.mailbox, uids.lowest, uids.highest, self.mailbox)
        found = row(
            self.db,
            _statement(source, self.fields, clip=True, alone=True),
            (*asked, *bindings, limit + 1),
        )
        assert found is not None
        expunged, *packed = found
        if expunged is None:
            raise MailboxGone
        if expunged:
            return None
        rows = self._unpacked(packed)
        usable = self._before_long_header(rows)
        return _first(rows, min(limit, usable)) if usable or not rows.uids else None

    def _with_expunged(self, uids: NumberSet, limit: int, octets: int) -> Rows:
        tables = self._tables(uids)
        if Field.REST in self.fields:
            limit = self._fitting(uids, tables, limit, octets)
        found = self._merged(uids, tables, limit + 1, whole=False)
        usable = min(limit, self._before_long_header(found))
        if found.uids and not usable:
            usable = LONG_HEADERS
            found = self._merged(uids, tables, usable + 1, whole=True)
        return _first(found, usable)

    def _tables(self, uids: NumberSet) -> list[str]:
        found = row(
            self.db,
            "SELECT EXISTS (SELECT 1 FROM expunged WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3)"
            " FROM mailbox WHERE id = ?1",
            (self.mailbox, uids.lowest, uids.highest),
        )
        if found is None:
            raise MailboxGone
        return ["message", "expunged"] if found[0] else ["message"]

    def _fitting(self, uids: NumberSet, tables: Sequence[str], limit: int, octets: int) -> int:
        """How many rows hold about *octets* of content: at least one, at most *limit*."""
        sizes: list[tuple[int, int]] = []
        for table in tables:
            source, bindings = among(self.mailbox, uids, table)
            packed = value(
                self.db,
                f"SELECT group_concat(format('%016x%016x', uid, size), '') FROM ("
                f"SELECT m.uid, m.size FROM {source} LIMIT ?)",
                (*bindings, limit),
            )
            numbers = unpack_integers(packed)
            sizes += zip(numbers[::2], numbers[1::2], strict=True)
        total = 0
        for count, (_, size_of_one) in enumerate(sorted(sizes)):
            if count and total + size_of_one > octets:
                return count
            total += size_of_one
        return limit

    def _before_long_header(self, found: Rows) -> int:
        """How many messages stand before the first whose header was left out."""
        for field, column in zip(self.fields, found.columns, strict=True):
            if field in HEADER_OCTETS and None in column:
                return column.index(None)
        return len(found.uids)

    def _merged(self, uids: NumberSet, tables: Sequence[str], limit: int, *, whole: bool) -> Rows:
        pieces = [self.read(uids, table, limit, whole=whole) for table in tables]
        if len(pieces) == 1:
            return pieces[0]
        joined = sorted([row for piece in pieces for row in piece.rows], key=lambda row: row[0])
        if not joined:
            return NO_ROWS
        both, *columns = zip(*joined, strict=True)
        return Rows(array("I", both), columns, None)

    def read(self, uids: NumberSet, table: str, limit: int, *, whole: bool) -> Rows:
        """The first messages of *uids* in *table*; not *whole*: without long headers."""
        source, bindings = among(self.mailbox, uids, table)
        clip = not whole and Field.REST not in self.fields
        found = row(self.db, _statement(source, self.fields, clip, alone=False), (*bindings, limit))
        assert found is not None
        return self._unpacked(found)

    def _unpacked(self, packed: Sequence[Any]) -> Rows:
        tag, integers, *octets = packed
        numbers = unpack_integers(integers)
        width = len(self.fields) + 1
        values = iter(octets)
        columns = [
            _column(COLUMNS[field], tag, numbers[at::width], values)
            for at, field in enumerate(self.fields, 1)
        ]
        return Rows(array("I", numbers[::width]), columns, None)


def _first(found: Rows, usable: int) -> Rows:
    """The first *usable* ones, and where to resume if there are more."""
    if len(found.uids) <= usable:
        return found
    columns = [column[:usable] for column in found.columns]
    return Rows(found.uids[:usable], columns, Uid(found.uids[usable - 1]))


def _joined(source: str, joins: str) -> str:
    """*source* of :func:`among` with more tables."""
    tables, condition = source.split(" WHERE ", 1)
    return f"{tables}{joins} WHERE {condition}"


def _with_tables(source: str, columns: list[Column]) -> str:
    """*source* with the tables that *columns* stand in."""
    for join, name in ((CONTENT, "c."), (BODY, "b.")):
        if any(column.sql.startswith(name) for column in columns):
            source = _joined(source, join)
    return source


def _tag(columns: list[Column]) -> str:
    return "(SELECT tag FROM account)" if any(column.prefix for column in columns) else "NULL"


@lru_cache(maxsize=256)
def _statement_of_one(fields: tuple[Field, ...]) -> str:
    columns = [COLUMNS[field] for field in fields]
    source = _with_tables("message AS m WHERE m.mailbox = ? AND m.uid = ?", columns)
    return f"SELECT {', '.join([_tag(columns), *(column.sql for column in columns)])} FROM {source}"


@lru_cache(maxsize=256)
def _statement(source: str, fields: tuple[Field, ...], clip: bool, alone: bool) -> str:
    """*clip*: without long headers.  *alone*: nothing if there are EXPUNGED, and it says so."""
    columns = [COLUMNS[field] for field in fields]
    source = _with_tables(source, columns)
    inner, numbers, octets = "", "uid", ""
    for i, column in enumerate(columns):
        inner += f", {column.short if clip and column.short else column.sql} AS f{i}"
        if column.kind is int:
            numbers += f", f{i}"
        else:
            numbers += f", coalesce(octet_length(f{i}), -1)"
            octets += f", CAST(group_concat(f{i}, '') AS BLOB)"
    before, first, most = (EXPUNGED, "(SELECT any FROM gone), ", ALONE) if alone else ("", "", "?")
    return (
        f"{before} SELECT {first}{_tag(columns)},"
        f" group_concat(format('{'%016x' * (len(fields) + 1)}', {numbers}), '')"
        f"{octets} FROM (SELECT m.uid{inner} FROM {source} LIMIT {most})"
    )


def _column(
    column: Column, tag: str | None, numbers: array[int], octets: Iterator[bytes | None]
) -> Sequence[Any]:
    if column.kind is int:
        if not column.prefix:
            return numbers
        return [f"{column.prefix}{tag}{number:x}" for number in numbers]
    pieces = cut(next(octets), numbers)
    if column.kind is bytes:
        return pieces
    return [None if piece is None else piece.decode("utf-8") for piece in pieces]

"""FETCH's columns: a slice of messages as one packed row of columns.

Expunged messages are read from their own table and merged in, which costs one look when there
are none.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

import apsw

from mailhub.model.errors import MailboxGone
from mailhub.model.mail import Field, MailboxId, Rows
from mailhub.model.numbers import NumberSet, Uid
from mailhub.store.sqlite.connection import row, snapshot, value
from mailhub.store.sqlite.packing import (
    UIDS,
    among,
    clipped,
    cut,
    unpack_integers,
    unpack_uids,
)

LENGTHS = "group_concat(format('%016x', coalesce(octet_length({0}), -1)), '')"
INTEGERS = "group_concat(format('%016x', {0}), '')"
OCTETS = "CAST(group_concat({0}, '') AS BLOB)"


@dataclass(frozen=True, slots=True)
class Column:
    """Where a Field comes from, and what it is made of."""

    sql: str
    kind: type = int
    prefix: str = ""
    """Of an object id: M or T, then the account's tag, then the number."""


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
    Field.HEADER: Column("b.header", bytes),
    Field.REST: Column("b.rest", bytes),
}

CONTENT = " CROSS JOIN content AS c ON c.id = m.content"
BODY = " CROSS JOIN body AS b ON b.content = m.content"

Found = list[tuple[Any, ...]]
"""Rows, the UID first."""


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
    with snapshot(db):
        while True:
            part, reach = clipped(uids, after)
            if not part:
                return Rows((), None)
            found, more = reading.slice(part, limit, octets)
            if more:
                return Rows(found, found[-1][0])
            if found or reach is None:
                return Rows(found, None if reach is None else Uid(reach))
            after = reach


@dataclass(frozen=True, slots=True)
class _Reading:
    db: apsw.Connection
    fields: tuple[Field, ...]
    mailbox: MailboxId

    def slice(self, uids: NumberSet, limit: int, octets: int) -> tuple[Found, bool]:
        """The first messages of *uids*, and whether there are more."""
        tables = self._tables(uids)
        limit = self._fitting(uids, tables, limit, octets)
        pieces = [self._read(uids, table, limit + 1) for table in tables]
        found = pieces[0]
        if len(pieces) > 1:
            found = sorted(itertools.chain(*pieces), key=itemgetter(0))
        return found[:limit], len(found) > limit

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

    def _fitting(self, uids: NumberSet, tables: list[str], limit: int, octets: int) -> int:
        """How many rows hold about *octets* of content: at least one, at most *limit*."""
        columns = [COLUMNS[f].sql for f in self.fields if f in (Field.HEADER, Field.REST)]
        if not columns or uids.lowest == uids.highest:
            return limit
        sizes: list[tuple[int, int]] = []
        length = " + ".join(f"coalesce(length({column}), 0)" for column in columns)
        for table in tables:
            source, bindings = among(self.mailbox, uids, table)
            packed = value(
                self.db,
                f"SELECT group_concat(format('%016x%016x', uid, octets), '') FROM ("
                f"SELECT m.uid, {length} AS octets FROM {_joined(source, BODY)} LIMIT ?)",
                (*bindings, limit),
            )
            numbers = unpack_integers(packed)
            sizes += zip(numbers[::2], numbers[1::2], strict=True)
        total = 0
        for count, (_, size) in enumerate(sorted(sizes)):
            if count and total + size > octets:
                return count
            total += size
        return limit

    def _read(self, uids: NumberSet, table: str, limit: int) -> Found:
        source, bindings = among(self.mailbox, uids, table)
        packed = row(self.db, _statement(source, self.fields), (*bindings, limit))
        assert packed is not None
        tag, uids_found, *rest = packed
        unpacked: list[Sequence[object]] = [unpack_uids(uids_found)]
        values = iter(rest)
        for column in map(COLUMNS.__getitem__, self.fields):
            if column.kind is int:
                unpacked.append(_integers(column, tag, next(values)))
            else:
                unpacked.append(_octets(column, unpack_integers(next(values)), next(values)))
        return list(zip(*unpacked, strict=True))


def _joined(source: str, joins: str) -> str:
    """*source* of :func:`among` with more tables."""
    tables, condition = source.split(" WHERE ", 1)
    return f"{tables}{joins} WHERE {condition}"


@lru_cache(maxsize=256)
def _statement(source: str, fields: tuple[Field, ...]) -> str:
    columns = [COLUMNS[field] for field in fields]
    for join, name in ((CONTENT, "c."), (BODY, "b.")):
        if any(column.sql.startswith(name) for column in columns):
            source = _joined(source, join)
    inner = "".join(f", {column.sql} AS f{i}" for i, column in enumerate(columns))
    outer = "".join(
        f", {INTEGERS.format(f'f{i}')}"
        if column.kind is int
        else f", {LENGTHS.format(f'f{i}')}, {OCTETS.format(f'f{i}')}"
        for i, column in enumerate(columns)
    )
    return (
        f"SELECT (SELECT tag FROM account), {UIDS}{outer}"
        f" FROM (SELECT m.uid{inner} FROM {source} LIMIT ?)"
    )


def _integers(column: Column, tag: str, packed: str | None) -> Sequence[object]:
    values = unpack_integers(packed)
    if not column.prefix:
        return values
    return [f"{column.prefix}{tag}{number:x}" for number in values]


def _octets(column: Column, lengths: array[int], joined: bytes | None) -> Sequence[object]:
    pieces = cut(joined, lengths)
    if column.kind is bytes:
        return pieces
    return [None if piece is None else piece.decode("utf-8") for piece in pieces]

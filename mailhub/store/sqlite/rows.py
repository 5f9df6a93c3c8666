"""FETCH's columns: a slice of messages as one packed row of columns.

Expunged messages are read from their own table and merged in, which costs one look when there
are none.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
    with snapshot(db):
        while True:
            part, reach = clipped(uids, after)
            if not part:
                return Rows((), None)
            tables = _tables(db, mailbox, part)
            found, more = _slice(db, fields, mailbox, part, tables, limit, octets)
            if more:
                return Rows(found, Uid(_uid(found[-1])))
            if found or reach is None:
                return Rows(found, None if reach is None else Uid(reach))
            after = reach


def _tables(db: apsw.Connection, mailbox: MailboxId, uids: NumberSet) -> list[str]:
    found = row(
        db,
        "SELECT EXISTS (SELECT 1 FROM expunged WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3)"
        " FROM mailbox WHERE id = ?1",
        (mailbox, uids.lowest, uids.highest),
    )
    if found is None:
        raise MailboxGone
    return ["message", "expunged"] if found[0] else ["message"]


def _slice(
    db: apsw.Connection,
    fields: Sequence[Field],
    mailbox: MailboxId,
    uids: NumberSet,
    tables: list[str],
    limit: int,
    octets: int,
) -> tuple[Sequence[tuple[object, ...]], bool]:
    """The first messages of *uids*, and whether there are more."""
    listed = [_fitting(db, fields, mailbox, uids, table, limit + 1) for table in tables]
    merged = sorted(pair for part in listed for pair in part)
    count = _prefix(merged, limit, octets)
    if not count:
        return (), False
    part = uids & NumberSet(((merged[0][0], merged[count - 1][0]),))
    pieces = [_read(db, fields, mailbox, part, table) for table in tables]
    found = pieces[0] if len(pieces) == 1 else sorted((r for p in pieces for r in p), key=_uid)
    return found, count < len(merged)


def _uid(found: tuple[object, ...]) -> int:
    uid = found[0]
    assert isinstance(uid, int)
    return uid


def _fitting(
    db: apsw.Connection,
    fields: Sequence[Field],
    mailbox: MailboxId,
    uids: NumberSet,
    table: str,
    limit: int,
) -> Iterable[tuple[int, int]]:
    """UIDs and octets of content of the first *limit* messages."""
    columns = [COLUMNS[f].sql for f in fields if f in (Field.HEADER, Field.REST)]
    source, bindings = among(mailbox, uids, table)
    if not columns:
        sql = f"SELECT {UIDS} FROM (SELECT m.uid FROM {source} LIMIT ?)"
        return ((uid, 0) for uid in unpack_uids(value(db, sql, (*bindings, limit))))
    octets = " + ".join(f"coalesce(length({column}), 0)" for column in columns)
    packed = value(
        db,
        f"SELECT group_concat(format('%016x%016x', uid, octets), '') FROM ("
        f"SELECT m.uid, {octets} AS octets FROM {_joined(source, BODY)} LIMIT ?)",
        (*bindings, limit),
    )
    numbers = unpack_integers(packed)
    return zip(numbers[::2], numbers[1::2], strict=True)


def _prefix(listed: Sequence[tuple[int, int]], limit: int, octets: int) -> int:
    """How many of *listed* go into a slice: at least one."""
    total = 0
    for count, (_, size) in enumerate(listed[:limit]):
        if count and total + size > octets:
            return count
        total += size
    return min(limit, len(listed))


def _joined(source: str, joins: str) -> str:
    """*source* of :func:`among` with more tables."""
    tables, condition = source.split(" WHERE ", 1)
    return f"{tables}{joins} WHERE {condition}"


def _read(
    db: apsw.Connection, fields: Sequence[Field], mailbox: MailboxId, uids: NumberSet, table: str
) -> list[tuple[object, ...]]:
    columns = [COLUMNS[field] for field in fields]
    source, bindings = among(mailbox, uids, table)
    for join, name in ((CONTENT, "c."), (BODY, "b.")):
        if any(column.sql.startswith(name) for column in columns):
            source = _joined(source, join)
    inner = "".join(f", {column.sql} AS f{i}" for i, column in enumerate(columns))
    packed = row(
        db,
        f"SELECT (SELECT tag FROM account), {UIDS}{_outer(columns)}"
        f" FROM (SELECT m.uid{inner} FROM {source})",
        bindings,
    )
    assert packed is not None
    tag, uids_found, *rest = packed
    unpacked: list[Sequence[object]] = [unpack_uids(uids_found)]
    for column in columns:
        if column.kind is int:
            unpacked.append(_integers(column, tag, rest.pop(0)))
        else:
            lengths = unpack_integers(rest.pop(0))
            unpacked.append(_octets(column, lengths, rest.pop(0)))
    return list(zip(*unpacked, strict=True))


def _outer(columns: Sequence[Column]) -> str:
    return "".join(
        f", {INTEGERS.format(f'f{i}')}"
        if column.kind is int
        else f", {LENGTHS.format(f'f{i}')}, {OCTETS.format(f'f{i}')}"
        for i, column in enumerate(columns)
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

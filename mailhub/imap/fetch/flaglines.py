"""Flags as STORE tells them (RFC 9051 7.5.2); with the modseq where RFC 7162 3.1 wants it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mailhub.imap.fetch.values import flags
from mailhub.model.mail import FlagRows
from mailhub.model.numbers import NumberSet


def flag_lines(
    numbers: Sequence[int],
    rows: FlagRows,
    keywords: tuple[str, ...],
    recent: NumberSet,
    *,
    uid: bool,
    modseq: bool,
) -> bytes:
    """One response per row; *numbers* are the sequence numbers, 0: the client has no such row."""
    wire = [b"FLAGS (%b)"]
    columns: list[Iterable[object]] = [flags(rows.uids, rows.flags, keywords, recent)]
    if uid:
        wire.append(b"UID %d")
        columns.append(rows.uids)
    if modseq:
        wire.append(b"MODSEQ (%d)")
        columns.append(rows.modseqs)
    template = b"* %d FETCH (" + b" ".join(wire) + b")\r\n"
    return b"".join([template % row for row in zip(numbers, *columns, strict=True) if row[0]])

"""FETCH responses that nobody asked for: flags that have changed (RFC 9051 7.5.2).

Also what STORE answers with.  In CONDSTORE-aware sessions they carry the modseq (7162 3.1).
"""

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
    wire, columns = [b"FLAGS (%b)"], [flags(rows.uids, rows.flags, keywords, recent)]
    return _lines(numbers, rows, wire, columns, uid=uid, modseq=modseq)


def modseq_lines(numbers: Sequence[int], rows: FlagRows, *, uid: bool) -> bytes:
    """The modseqs alone: what is told of a change whose flags the client knows (STORE .SILENT)."""
    return _lines(numbers, rows, [], [], uid=uid, modseq=True)


def _lines(
    numbers: Sequence[int],
    rows: FlagRows,
    wire: list[bytes],
    columns: list[Iterable[bytes]],
    *,
    uid: bool,
    modseq: bool,
) -> bytes:
    filled: list[Iterable[object]] = [numbers]
    if uid:
        wire = [b"UID %d", *wire]
        filled.append(rows.uids)
    filled += columns
    if modseq:
        wire = [*wire, b"MODSEQ (%d)"]
        filled.append(rows.modseqs)
    template = b"* %d FETCH (" + b" ".join(wire) + b")\r\n"
    return b"".join([template % row for row in zip(*filled, strict=True) if row[0]])

"""Flags as they are told unasked, and by STORE (RFC 9051 7.5.2, RFC 7162 3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import itemgetter

from mailhub.imap.fetch.values import flags
from mailhub.model.mail import FlagRows
from mailhub.model.numbers import NumberSet

Column = tuple[bytes, Iterable[object]]


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
    texts = flags(rows.uids, rows.flags, keywords, recent)
    return _lines(numbers, rows, [(b"FLAGS (%b)", texts)], uid=uid, modseq=modseq)


def modseq_lines(numbers: Sequence[int], rows: FlagRows, *, uid: bool) -> bytes:
    """The modseqs alone: what is told of a change whose flags the client knows (STORE .SILENT)."""
    return _lines(numbers, rows, [], uid=uid, modseq=True)


def _lines(
    numbers: Sequence[int], rows: FlagRows, items: list[Column], *, uid: bool, modseq: bool
) -> bytes:
    if uid:
        items.insert(0, (b"UID %d", rows.uids))
    if modseq:
        items.append((b"MODSEQ (%d)", rows.modseqs))
    template = b"* %d FETCH (" + b" ".join([wire for wire, _ in items]) + b")\r\n"
    columns = [column for _, column in items]
    known = filter(itemgetter(0), zip(numbers, *columns, strict=True))
    values = tuple(chain.from_iterable(known))
    return template * (len(values) // (1 + len(columns))) % values

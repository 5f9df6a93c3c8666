"""Subsets of flag rows."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import compress

from mailhub.model.mail import FlagRows
from mailhub.model.numbers import ModSeq, NumberSet


def within(rows: FlagRows, wanted: NumberSet) -> FlagRows:
    """The rows of messages in *wanted*."""
    if len(wanted.ranges) == 1 and len(wanted.select(rows.uids)) == len(rows.uids):
        return rows
    return _pick(rows, [uid in wanted for uid in rows.uids])


def up_to(rows: FlagRows, modseq: ModSeq) -> FlagRows:
    """The rows that have not changed since *modseq*."""
    return _pick(rows, [changed <= modseq for changed in rows.modseqs])


def _pick(rows: FlagRows, wanted: Sequence[bool]) -> FlagRows:
    if all(wanted):
        return rows
    return FlagRows(
        array("I", compress(rows.uids, wanted)),
        list(compress(rows.flags, wanted)),
        list(compress(rows.modseqs, wanted)),
        rows.resume,
    )

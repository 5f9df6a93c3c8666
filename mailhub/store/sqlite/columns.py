"""A mailbox's columns in memory, for whoever looks at all of its messages: views and searches.

They are what the mailbox was at some modseq, and are brought up to the present by reading what
has changed since.  UIDs are always there, the others from when they were first asked for.
Messages stand in pages, so that a change makes one page anew and not the whole mailbox.  Nothing
here is ever changed in place: a thread may go on reading while the reactor makes the successor.
"""

from __future__ import annotations

import enum
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress

import apsw

from mailhub.model.errors import MailboxGone
from mailhub.model.mail import MailboxId
from mailhub.model.numbers import MAX_UID
from mailhub.store.sqlite import changed
from mailhub.store.sqlite.boxes import split_keywords
from mailhub.store.sqlite.connection import Row, row, snapshot, value
from mailhub.store.sqlite.packing import (
    UIDS,
    unpack_integers,
    unpack_uids,
)
from mailhub.store.sqlite.planes import BETWEEN, Numbers, Texts

PAGE_MESSAGES = 4_096
INLINE_ROWS = 5_000
"""Reads of more rows than that belong into a thread: 5,000 take about 2 ms."""
TEXT_ROWS = 8
"""One text costs as much as so many numbers: it stands in another table, on a page of its own."""

_DAY = "max(1, (({seconds}) + ({zone}) * 60 + 62135683200) / 86400)"
EARLIEST = -(2**40)


class Column(enum.Enum):
    """What there is, and where it stands; 0 for a date that there is not."""

    FLAGS = "m.flags"
    MODSEQ = "m.modseq"
    SIZE = "m.size"
    RECEIVED = f"max(m.received, {EARLIEST}) - {EARLIEST}"
    """Seconds; see EARLIEST."""
    RECEIVED_DAY = _DAY.format(seconds="m.received", zone="m.zone")
    """Days as ``datetime.date.toordinal`` counts them, in the date's own zone."""
    SAVED_DAY = _DAY.format(seconds="m.saved", zone="0")
    SENT_DAY = f"coalesce({_DAY.format(seconds='c.sent_seconds', zone='c.sent_zone')}, 0)"
    SUBJECT = "c.subject"
    FROM = "c.from_text"
    TO = "c.to_text"
    CC = "c.cc_text"


TEXTS = frozenset((Column.SUBJECT, Column.FROM, Column.TO, Column.CC))
CHANGING = frozenset((Column.FLAGS, Column.MODSEQ))
NOTHING: frozenset[Column] = frozenset()


class TooLong(Exception):
    """The read would take more than the reactor can wait for."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some messages.  A column may end before ``uids`` does: the rest has not been read yet."""

    uids: array[int]
    numbers: Mapping[Column, Numbers] = field(default_factory=dict)
    texts: Mapping[Column, Texts] = field(default_factory=dict)

    @property
    def octets(self) -> int:
        numbers = sum([column.octets for column in self.numbers.values()])
        return 4 * len(self.uids) + numbers + sum([text.octets for text in self.texts.values()])

    def missing(self, column: Column) -> array[int]:
        """The UIDs of the messages whose *column* has not been read."""
        found = (self.texts if column in TEXTS else self.numbers).get(column, ())
        return self.uids[len(found) :]

    def without(self, gone: array[int]) -> Page:
        """Not all of *gone* need be there."""
        stays = bytearray(b"\1") * len(self.uids)
        for uid in gone:
            at = bisect_left(self.uids, uid)
            if at < len(self.uids) and self.uids[at] == uid:
                stays[at] = 0
        kept = bytes(stays)
        return Page(
            array("I", compress(self.uids, kept)),
            {name: column.kept(kept[: len(column)]) for name, column in self.numbers.items()},
            {name: column.kept(kept[: len(column)]) for name, column in self.texts.items()},
        )

    def changed(self, flags: Mapping[int, int], modseqs: Mapping[int, int]) -> Page:
        """With other flags and modseqs at some places."""
        numbers = dict(self.numbers)
        for name, values in ((Column.FLAGS, flags), (Column.MODSEQ, modseqs)):
            if name in numbers:
                numbers[name] = numbers[name].replaced(values)
        return replace(self, numbers=numbers)


@dataclass(frozen=True)
class Columns:
    """A mailbox as of ``modseq``."""

    modseq: int
    keywords: tuple[str, ...] = ()
    pages: tuple[Page, ...] = ()

    def __len__(self) -> int:
        return sum([len(page.uids) for page in self.pages])

    @cached_property
    def octets(self) -> int:
        return sum([page.octets for page in self.pages])

    @property
    def last(self) -> int:
        """The highest UID; 0 if there is none."""
        return self.pages[-1].uids[-1] if self.pages else 0

    def uids(self) -> array[int]:
        """All of them; the caller may do with it what it likes."""
        uids = array("I")
        for page in self.pages:
            uids += page.uids
        return uids

    def has(self, wanted: Iterable[Column]) -> bool:
        return not any(page.missing(column) for page in self.pages for column in wanted)


def read(
    db: apsw.Connection,
    mailbox: MailboxId,
    known: Columns | None,
    wanted: frozenset[Column],
    limit: int | None,
) -> Columns:
    """The mailbox as it is now, with the *wanted* columns; *known* is what it was.

    Raises MailboxGone; TooLong where more than *limit* rows would have to be read.
    """
    if known is not None and known.has(wanted):
        modseq, _, keywords = _state(db, mailbox)
        if modseq == known.modseq:
            return replace(known, keywords=keywords) if keywords != known.keywords else known
    with snapshot(db):
        modseq, count, keywords = _state(db, mailbox)
        reading = _Reading(db, mailbox, limit)
        pages = None
        if known is not None:
            pages = known.pages if known.modseq == modseq else reading.updated(known, count)
        if pages is None:
            pages = reading.everything(count)
        return Columns(modseq, keywords, reading.completed(pages, wanted))


def _state(db: apsw.Connection, mailbox: MailboxId) -> tuple[int, int, tuple[str, ...]]:
    found = row(
        db, "SELECT highest_modseq, message_count, keywords FROM mailbox WHERE id = ?", (mailbox,)
    )
    if found is None:
        raise MailboxGone
    modseq, count, keywords = found
    return modseq, count, split_keywords(keywords)


class _Reading:
    """Inside one snapshot."""

    def __init__(self, db: apsw.Connection, mailbox: MailboxId, limit: int | None) -> None:
        self._db = db
        self._mailbox = mailbox
        self._limit = limit

    def _spend(self, rows: int) -> None:
        if self._limit is not None:
            self._limit -= rows
            if self._limit < 0:
                raise TooLong

    # --- which messages there are

    def everything(self, count: int) -> tuple[Page, ...]:
        self._spend(count)
        return _paged(self._uids("message WHERE mailbox = ?", ()))

    def updated(self, known: Columns, count: int) -> tuple[Page, ...] | None:
        """Its pages with what came, went and changed; None if reading all is easier."""
        new = self._uids(
            "message WHERE mailbox = ? AND uid > ? ORDER BY uid LIMIT ?", (known.last, INLINE_ROWS)
        )
        self._spend(len(new))
        if len(new) == INLINE_ROWS:  # there may be more
            return None
        pages = known.pages
        if len(known) + len(new) != count:
            gone = self._uids(
                "expunged WHERE mailbox = ? AND gone > ? ORDER BY uid LIMIT ?",
                (known.modseq, INLINE_ROWS),
            )
            pages = self._without(pages, gone)
        pages = _appended(self._with_changes(pages, known.modseq), new)
        # It does not fit when more went than was read, or went longer ago than the grace period.
        return pages if sum([len(page.uids) for page in pages]) == count else None

    def _uids(self, source: str, bindings: Row) -> array[int]:
        packed = value(
            self._db, f"SELECT {UIDS} FROM (SELECT uid FROM {source})", (self._mailbox, *bindings)
        )
        return unpack_uids(packed)

    def _with_changes(self, pages: tuple[Page, ...], since: int) -> tuple[Page, ...]:
        if all(CHANGING.isdisjoint(page.numbers) for page in pages):
            return pages
        found = changed.since(self._db, self._mailbox, since, MAX_UID, INLINE_ROWS)
        if found is None:
            return tuple([_unchanging(page) for page in pages])
        uids, flags, modseqs = found
        self._spend(2 * len(uids))
        rows = list(zip(uids, flags, modseqs, strict=True))
        return tuple([_with_rows(page, rows) for page in pages])

    def _without(self, pages: tuple[Page, ...], gone: array[int]) -> tuple[Page, ...]:
        """To make a page anew costs about as much as reading it."""
        kept: list[Page] = []
        for page in pages:
            first, behind = bisect_left(gone, page.uids[0]), bisect_left(gone, page.uids[-1] + 1)
            if first < behind:
                self._spend(len(page.uids))
                page = page.without(gone[first:behind])
            if page.uids:
                kept.append(page)
        return tuple(kept)

    # --- what is known of them

    def completed(self, pages: tuple[Page, ...], wanted: frozenset[Column]) -> tuple[Page, ...]:
        """*pages* with all *wanted* columns.  No query for what is there."""
        return tuple([self._completed(page, wanted) for page in pages])

    def _completed(self, page: Page, wanted: frozenset[Column]) -> Page:
        for column in wanted:
            if missing := page.missing(column):
                page = self._with_column(page, column, missing)
        return page

    def _with_column(self, page: Page, column: Column, uids: array[int]) -> Page:
        join = " CROSS JOIN content AS c ON c.id = m.content" if "c." in column.value else ""
        source = (
            f"(SELECT m.uid, {column.value} AS value FROM message AS m{join}"
            " WHERE m.mailbox = ? AND m.uid BETWEEN ? AND ? ORDER BY m.uid)"
        )
        bindings = (self._mailbox, uids[0], uids[-1])
        if column in TEXTS:
            self._spend(len(uids) * TEXT_ROWS)
            texts = value(
                self._db, f"SELECT group_concat(value, '{BETWEEN}') FROM {source}", bindings
            )
            text = page.texts.get(column) or Texts(0, "")
            return replace(page, texts={**page.texts, column: text.extended(len(uids), texts)})
        self._spend(len(uids))
        packed = value(
            self._db, f"SELECT group_concat(format('%016x', value), '') FROM {source}", bindings
        )
        values = array("Q", unpack_integers(packed).tobytes())
        number = page.numbers.get(column) or Numbers(array("Q"))
        return replace(page, numbers={**page.numbers, column: number.extended(values)})


# --- pages ----------------------------------------------------------------------------------


def _paged(uids: array[int]) -> tuple[Page, ...]:
    starts = range(0, len(uids), PAGE_MESSAGES)
    return tuple([Page(uids[start : start + PAGE_MESSAGES]) for start in starts])


def _appended(pages: tuple[Page, ...], new: array[int]) -> tuple[Page, ...]:
    """The last page is filled up first."""
    if pages and (room := PAGE_MESSAGES - len(pages[-1].uids)) > 0 and new:
        last = replace(pages[-1], uids=pages[-1].uids + new[:room])
        pages, new = (*pages[:-1], last), new[room:]
    return pages + _paged(new)


def _unchanging(page: Page) -> Page:
    numbers = {name: column for name, column in page.numbers.items() if name not in CHANGING}
    return replace(page, numbers=numbers)


def _with_rows(page: Page, rows: list[tuple[int, int, int]]) -> Page:
    """*page* with the ``(uid, flags, modseq)`` of *rows*, which ascend, that are its own."""
    flags: dict[int, int] = {}
    modseqs: dict[int, int] = {}
    first = bisect_left(rows, (page.uids[0], 0, 0))
    behind = bisect_left(rows, (page.uids[-1] + 1, 0, 0))
    for uid, mask, modseq in rows[first:behind]:
        at = bisect_left(page.uids, uid)
        if at < len(page.uids) and page.uids[at] == uid:
            flags[at], modseqs[at] = mask, modseq
    return page.changed(flags, modseqs) if flags else page

"""SEARCH: flags, dates, sizes and addresses are looked for in columns in memory, other texts in
the messages that are still possible.

A query is evaluated page by page (:mod:`.columns`) into planes (:mod:`.planes`).  What is in no
column is looked up; what is not looked up yet counts as possible (and as possibly not), which
gives the candidates.  A search that reads much runs in a thread; no transaction lives through it.
An index for texts is a later matter.
"""

from __future__ import annotations

import datetime
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import compress
from operator import itemgetter

import apsw

from mailhub.mime.casemap import casemap
from mailhub.mime.parts import PartTable
from mailhub.mime.searchtext import body_contains, header_contains, text_contains
from mailhub.model.flags import canonical_flag
from mailhub.model.mail import Found, MailboxId
from mailhub.model.numbers import NumberSet
from mailhub.model.search import (
    And,
    BodyContains,
    DateField,
    EmailIdIs,
    Everything,
    HasFlag,
    HeaderContains,
    ModSeqAtLeast,
    Not,
    OnDays,
    Or,
    Query,
    ReceivedBetween,
    SizeAbove,
    SizeBelow,
    TextContains,
    ThreadIdIs,
    UidIn,
)
from mailhub.store.sqlite import columns
from mailhub.store.sqlite.columns import (
    EARLIEST,
    INLINE_ROWS,
    Column,
    Columns,
    Page,
    TooLong,
)
from mailhub.store.sqlite.connection import rows, snapshot, value
from mailhub.store.sqlite.content import read_content
from mailhub.store.sqlite.keywords import known_mask
from mailhub.store.sqlite.packing import UIDS, unpack_uids
from mailhub.store.sqlite.planes import Plane, everywhere, octets_of, plane_of

Text = HeaderContains | BodyContains | TextContains
ObjectId = EmailIdIs | ThreadIdIs
LookedUp = Text | ObjectId
Results = Mapping[LookedUp, frozenset[int]]

MOST_TESTS = 400_000
"""In the reactor: so many tests of a number against another take less than 3 ms."""
FOUND_TESTS, TEXT_TESTS, RANGE_TESTS = 4, 16, 100
"""What it costs to note a message that is found, to look through a text, to look up a range."""
_FEW = 16  # where less than every sixteenth is found, looking for the next one is quicker

_TEXTS = {
    "subject": Column.SUBJECT,
    "from": Column.FROM,
    "to": Column.TO,
    "cc": Column.CC,
}
_DAYS = {
    DateField.INTERNAL: Column.RECEIVED_DAY,
    DateField.SENT: Column.SENT_DAY,
    DateField.SAVED: Column.SAVED_DAY,
}


def search(
    db: apsw.Connection, mailbox: MailboxId, query: Query, known: Columns | None
) -> tuple[Found, Columns]:
    """What matches now, and the columns it was found in.  Raises MailboxGone."""
    wanted = frozenset(_columns(query))
    seen = columns.read(db, mailbox, known, wanted, None)
    results: dict[LookedUp, frozenset[int]] = {}
    for sought in sorted(dict.fromkeys(_looked_up(query)), key=_cost):
        # What is ruled out without it is not read.
        among = _found(seen, query, results).uids
        results[sought] = frozenset(_look_up(db, mailbox, sought, among))
    return _found(seen, query, results), seen


def search_at_once(
    db: apsw.Connection, mailbox: MailboxId, query: Query, known: Columns | None
) -> tuple[Found, Columns]:
    """The same where it takes a moment only, in the reactor; else TooLong."""
    if next(_looked_up(query), None) is not None:
        raise TooLong
    seen = columns.read(db, mailbox, known, frozenset(_columns(query)), INLINE_ROWS)
    if FOUND_TESTS * len(seen) + sum([_tests(leaf, seen) for leaf in _leaves(query)]) > MOST_TESTS:
        raise TooLong
    return _found(seen, query, {}), seen


def _found(seen: Columns, query: Query, results: Results) -> Found:
    """The messages for which *query* may be true."""
    uids = array("I")
    modseq = 0
    by_modseq = Column.MODSEQ in _columns(query)
    for page in seen.pages:
        plane = _Condition(page, seen.keywords, results).of(query, sure=False)
        uids.extend(_picked(page.uids, plane))
        if by_modseq and plane:
            wanted = octets_of(plane, len(page.uids))
            modseq = max(modseq, *compress(page.numbers[Column.MODSEQ].values(), wanted))
    return Found(uids, modseq)


def _picked(uids: array[int], plane: Plane) -> array[int]:
    length = len(uids)
    if plane == everywhere(length):
        return uids
    wanted = octets_of(plane, length)
    if wanted.count(1) > length // _FEW:
        return array("I", compress(uids, wanted))
    found = array("I")
    at = wanted.find(1)
    while at >= 0:
        found.append(uids[at])
        at = wanted.find(1, at + 1)
    return found


# --- what a query asks --------------------------------------------------------------------


def _leaves(query: Query) -> Iterator[Query]:
    match query:
        case Not(inner):
            yield from _leaves(inner)
        case And(queries) | Or(queries):
            for one in queries:
                yield from _leaves(one)
        case _:
            yield query


def _tests(leaf: Query, seen: Columns) -> int:
    match leaf:
        case HeaderContains():
            return TEXT_TESTS * len(seen)
        case UidIn(uids):
            return RANGE_TESTS * len(uids.ranges)
        case _:
            return len(seen)


def _columns(query: Query) -> Iterator[Column]:
    for leaf in _leaves(query):
        match leaf:
            case HasFlag():
                yield Column.FLAGS
            case SizeAbove() | SizeBelow():
                yield Column.SIZE
            case ModSeqAtLeast():
                yield Column.MODSEQ
            case ReceivedBetween():
                yield Column.RECEIVED
            case OnDays():
                yield _DAYS[leaf.field]
            case HeaderContains() if (column := _column_of(leaf)) is not None:
                yield column


def _looked_up(query: Query) -> Iterator[LookedUp]:
    for leaf in _leaves(query):
        match leaf:
            case HeaderContains() if _column_of(leaf) is None:
                yield leaf
            case BodyContains() | TextContains() | EmailIdIs() | ThreadIdIs():
                yield leaf


def _column_of(text: HeaderContains) -> Column | None:
    """Where all that *text* is looked for in stands decoded, each field on a line."""
    if not text.text or not text.text.isprintable():
        return None
    return _TEXTS.get(text.field.lower())


def _cost(sought: LookedUp) -> int:
    match sought:
        case EmailIdIs() | ThreadIdIs():
            return 0
        case HeaderContains():
            return 1
        case _:
            return 2


class _Condition:
    """A query asked of a page.

    ``of(query, sure)``: for *sure* what is not looked up counts as false, else as true.
    """

    def __init__(self, page: Page, keywords: tuple[str, ...], results: Results) -> None:
        self._page = page
        self._all = everywhere(len(page.uids))
        self._keywords = keywords
        self._results = results

    def of(self, query: Query, sure: bool) -> Plane:
        match query:
            case Everything():
                return self._all
            case Not(inner):
                return self._all ^ self.of(inner, not sure)
            case And(queries):
                found = self._all
                for one in queries:
                    found &= self.of(one, sure)
                return found
            case Or(queries):
                found = 0
                for one in queries:
                    found |= self.of(one, sure)
                return found
            case HeaderContains() if (column := _column_of(query)) is not None:
                return self._page.texts[column].containing(casemap(query.text))
            case HeaderContains() | BodyContains() | TextContains() | EmailIdIs() | ThreadIdIs():
                return self._result(query, sure)
            case UidIn(uids):
                return self._among(uids)
            case _:
                return self._number(query)

    def _result(self, sought: LookedUp, sure: bool) -> Plane:
        uids = self._results.get(sought)
        if uids is None:
            return 0 if sure else self._all
        return plane_of(bytes(map(uids.__contains__, self._page.uids)))

    def _among(self, wanted: NumberSet) -> Plane:
        uids = self._page.uids
        found = bytearray(len(uids))
        start = bisect_left(wanted.ranges, uids[0], key=itemgetter(1))
        end = bisect_right(wanted.ranges, uids[-1], key=itemgetter(0))
        for low, high in wanted.ranges[start:end]:
            first, behind = bisect_left(uids, low), bisect_left(uids, high + 1)
            found[first:behind] = b"\1" * (behind - first)
        return plane_of(found)

    def _number(self, query: Query) -> Plane:
        numbers = self._page.numbers
        match query:
            case HasFlag(name):
                mask, _ = known_mask(self._keywords, [canonical_flag(name)])
                return numbers[Column.FLAGS].with_bits(mask)
            case SizeAbove(octets):
                return self._between(Column.SIZE, octets + 1, None)
            case SizeBelow(octets):
                return self._between(Column.SIZE, 0, octets)
            case ModSeqAtLeast(modseq):
                return self._between(Column.MODSEQ, modseq, None)
            case ReceivedBetween(after, before):
                first = 0 if after is None else after - EARLIEST
                return self._between(
                    Column.RECEIVED, first, None if before is None else before - EARLIEST
                )
            case OnDays(field, first_day, end_day):
                first = 1 if first_day is None else first_day.toordinal()  # 0: it has no date
                return self._between(_DAYS[field], first, _ordinal(end_day))
        raise TypeError(query)

    def _between(self, column: Column, first: int, end: int | None) -> Plane:
        numbers = self._page.numbers[column]
        found = numbers.at_least(first)
        return found if end is None else found & (self._all ^ numbers.at_least(end))


def _ordinal(day: datetime.date | None) -> int | None:
    return None if day is None else day.toordinal()


# --- what stands in no column -------------------------------------------------------------


def _look_up(
    db: apsw.Connection, mailbox: MailboxId, sought: LookedUp, among: array[int]
) -> Iterator[int]:
    """Those of *among* that are still there and for which *sought* is true."""
    if isinstance(sought, EmailIdIs):
        yield from _with_id(db, mailbox, "M", "m.content", sought.value)
    elif isinstance(sought, ThreadIdIs):
        yield from _with_id(db, mailbox, "T", "c.thread", sought.value)
    else:
        for uid in among:
            if _has_text(db, mailbox, uid, sought):
                yield uid


def _has_text(db: apsw.Connection, mailbox: MailboxId, uid: int, text: Text) -> bool:
    with snapshot(db):
        for content, parts, header in rows(
            db,
            "SELECT m.content, c.parts, b.header FROM message AS m"
            " JOIN content AS c ON c.id = m.content JOIN body AS b ON b.content = m.content"
            " WHERE m.mailbox = ? AND m.uid = ?",
            (mailbox, uid),
        ):
            needle = casemap(text.text)
            if isinstance(text, HeaderContains):
                return header_contains(header, text.field, needle)
            contains = body_contains if isinstance(text, BodyContains) else text_contains
            return contains(PartTable.decode(parts), partial(read_content, db, content), needle)
    return False


def _with_id(
    db: apsw.Connection, mailbox: MailboxId, kind: str, column: str, text: str
) -> array[int]:
    """The messages with this object id, as :mod:`.rows` writes them."""
    start = kind + value(db, "SELECT tag FROM account")
    try:
        number = int(text[len(start) :], 16)
    except ValueError:
        return array("I")
    if text != f"{start}{number:x}" or number >= 2**63:
        return array("I")
    packed = value(
        db,
        f"SELECT {UIDS} FROM (SELECT m.uid FROM message AS m CROSS JOIN content AS c"
        f" ON c.id = m.content WHERE m.mailbox = ? AND {column} = ?)",
        (mailbox, number),
    )
    return unpack_uids(packed)

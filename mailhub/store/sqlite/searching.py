"""SEARCH: what stands in columns is asked in SQL, texts are looked for in the candidates only.

A query becomes one SQL condition.  Texts that are not looked up yet count as possible (and as
possibly not), which gives the candidates; each text is then looked for in those, and the final
condition names the UIDs where it was found.  A search runs in a thread; no transaction lives
through it.  An index for texts is a later matter.
"""

from __future__ import annotations

import datetime
from array import array
from collections.abc import Mapping
from functools import partial
from typing import Any

import apsw

from mailhub.mime.casemap import casemap
from mailhub.mime.parts import PartTable
from mailhub.mime.searchtext import body_contains, header_contains, text_contains
from mailhub.model.errors import MailboxGone
from mailhub.model.flags import canonical_flag
from mailhub.model.mail import Found, MailboxId
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
from mailhub.store.sqlite.boxes import split_keywords
from mailhub.store.sqlite.connection import Row, row, rows, snapshot
from mailhub.store.sqlite.content import read_content
from mailhub.store.sqlite.keywords import known_mask
from mailhub.store.sqlite.packing import HIGH, LOW, UIDS, integers, packed_ranges, unpack_uids

Text = HeaderContains | BodyContains | TextContains
Bindings = list[Any]

MESSAGES_AT_ONCE = 5_000
"""In a mailbox: that many are looked at in less than 3 ms."""
COLUMN_ROWS = 5_000
BETWEEN = "\x1e"
"""Between the texts of a column, which hold no control character but the line break."""
SECONDS_PER_DAY = 86_400
_EPOCH = datetime.date(1970, 1, 1).toordinal()

_TEXT_COLUMNS = {
    "subject": "c.subject",
    "from": "c.from_text",
    "to": "c.to_text",
    "cc": "c.cc_text",
}
_DATES = {
    DateField.INTERNAL: ("m.received", "m.zone"),
    DateField.SENT: ("c.sent_seconds", "c.sent_zone"),
    DateField.SAVED: ("m.saved", "0"),
}


def search(db: apsw.Connection, mailbox: MailboxId, query: Query) -> Found:
    """Raises MailboxGone."""
    search = _Search(db, mailbox)
    if not list(_texts(query)):
        return search.find(query, {}, None)
    candidates = search.find(query, {}, None).uids
    texts: dict[Text, array[int]] = {}
    for text in dict.fromkeys(_texts(query)):
        # What the texts before have ruled out is not read.
        among = search.find(query, texts, candidates).uids
        texts[text] = search.with_text(among, text)
    return search.find(query, texts, candidates)


def search_at_once(db: apsw.Connection, mailbox: MailboxId, query: Query) -> Found | None:
    """The same where it takes a moment only, in the reactor; None: it is for a thread."""
    if list(_texts(query)):
        return None
    messages = row(db, "SELECT message_count FROM mailbox WHERE id = ?", (mailbox,))
    if messages is not None and messages[0] > MESSAGES_AT_ONCE:
        return None
    return _Search(db, mailbox).find(query, {}, None)


def _texts(query: Query) -> list[Text]:
    """The texts in *query*, those that are quick to look for first."""
    found: list[Text] = []
    match query:
        case HeaderContains() | BodyContains() | TextContains():
            found.append(query)
        case Not(inner):
            found += _texts(inner)
        case And(queries) | Or(queries):
            for one in queries:
                found += _texts(one)
    return sorted(found, key=lambda text: not isinstance(text, HeaderContains))


class _Search:
    def __init__(self, db: apsw.Connection, mailbox: MailboxId) -> None:
        found = row(
            db, "SELECT keywords, (SELECT tag FROM account) FROM mailbox WHERE id = ?", (mailbox,)
        )
        if found is None:
            raise MailboxGone
        self._db = db
        self._mailbox = mailbox
        self.keywords = split_keywords(found[0])
        self.tag: str = found[1]

    def find(
        self, query: Query, texts: Mapping[Text, array[int]], among: array[int] | None
    ) -> Found:
        """The UIDs, only those in *among* if given, for which *query* may be true."""
        if among is not None and not among:
            return Found(array("I"), 0)
        condition = _Condition(self.keywords, self.tag, texts)
        sql = condition.of(query, sure=False)
        if among is not None:
            sql = f"m.uid IN (SELECT value FROM carray(?)) AND {sql}"
            condition.bindings.insert(0, integers(among))
        join = " CROSS JOIN content AS c ON c.id = m.content" if "c." in sql else ""
        found = row(
            self._db,
            f"SELECT {UIDS}, max(modseq) FROM ("
            f"SELECT m.uid, m.modseq FROM message AS m{join}"
            f" WHERE m.mailbox = ? AND {sql} ORDER BY m.uid)",
            (self._mailbox, *condition.bindings),
        )
        assert found is not None
        return Found(unpack_uids(found[0]), found[1] or 0)

    def with_text(self, among: array[int], text: Text) -> array[int]:
        """Those of *among* that are still there and contain *text*."""
        column = _column_of(text)
        if column is None:
            return array("q", [uid for uid in among if self._has_text(uid, text)])
        found = array("q")
        needle = casemap(text.text)
        for start in range(0, len(among), COLUMN_ROWS):
            part = array("q", among[start : start + COLUMN_ROWS])
            packed = row(
                self._db,
                f"SELECT {UIDS}, group_concat(text, '{BETWEEN}') FROM ("
                f"SELECT m.uid, {column} AS text FROM message AS m CROSS JOIN content AS c"
                " ON c.id = m.content WHERE m.mailbox = ?"
                " AND m.uid IN (SELECT value FROM carray(?)))",
                (self._mailbox, integers(part)),
            )
            assert packed is not None
            mapped = _casemapped(packed[1] or "")
            if needle in mapped:
                pairs = zip(unpack_uids(packed[0]), mapped.split(BETWEEN), strict=True)
                found.extend([uid for uid, value in pairs if needle in value])
        return found

    def _has_text(self, uid: int, text: Text) -> bool:
        with snapshot(self._db):
            return any(_contains(self._db, content, text) for content in self._content(uid))

    def _content(self, uid: int) -> list[Row]:
        return rows(
            self._db,
            "SELECT m.content, c.parts, b.header FROM message AS m"
            " JOIN content AS c ON c.id = m.content JOIN body AS b ON b.content = m.content"
            " WHERE m.mailbox = ? AND m.uid = ?",
            (self._mailbox, uid),
        )


def _casemapped(texts: str) -> str:
    """Those between separators; one that is not ASCII must not make all the others slow."""
    return texts.upper() if texts.isascii() else BETWEEN.join(map(casemap, texts.split(BETWEEN)))


def _column_of(text: Text) -> str | None:
    """Where all that *text* is looked for in stands decoded, each field on a line."""
    if not isinstance(text, HeaderContains) or not text.text or not text.text.isprintable():
        return None
    return _TEXT_COLUMNS.get(text.field.lower())


def _contains(db: apsw.Connection, found: Row, text: Text) -> bool:
    content, parts, header = found
    needle = casemap(text.text)
    if isinstance(text, HeaderContains):
        return header_contains(header, text.field, needle)
    read = partial(read_content, db, content)
    contains = body_contains if isinstance(text, BodyContains) else text_contains
    return contains(PartTable.decode(parts), read, needle)


class _Condition:
    """Builds the SQL of a query and collects what is bound in it, in order.

    ``of(query, sure)``: for *sure* a text that is not looked up counts as false, else as true.
    No part of a condition is ever NULL, so that NOT turns it around.
    """

    def __init__(
        self, keywords: tuple[str, ...], tag: str, texts: Mapping[Text, array[int]]
    ) -> None:
        self._keywords = keywords
        self._tag = tag
        self._found = texts
        self.bindings: Bindings = []

    def of(self, query: Query, sure: bool) -> str:
        match query:
            case Everything():
                return "1"
            case Not(inner):
                return f"NOT {self.of(inner, not sure)}"
            case And(queries):
                return self._joined(" AND ", "1", queries, sure)
            case Or(queries):
                return self._joined(" OR ", "0", queries, sure)
            case HeaderContains() | BodyContains() | TextContains():
                return self._text(query, sure)
            case UidIn(uids):
                return self._uids(uids.ranges and packed_ranges(uids))
            case OnDays():
                return self._days(query)
            case _:
                return self._column(query)

    def _joined(self, word: str, nothing: str, queries: tuple[Query, ...], sure: bool) -> str:
        return "(" + (word.join([self.of(query, sure) for query in queries]) or nothing) + ")"

    def _text(self, text: Text, sure: bool) -> str:
        uids = self._found.get(text)
        if uids is None:
            return "0" if sure else "1"
        if not uids:
            return "0"
        self.bindings.append(integers(uids))
        return "m.uid IN (SELECT value FROM carray(?))"

    def _uids(self, ranges: object) -> str:
        if not ranges:
            return "0"
        self.bindings.append(ranges)
        return f"EXISTS (SELECT 1 FROM carray(?) AS r WHERE m.uid BETWEEN {LOW} AND {HIGH})"

    def _days(self, query: OnDays) -> str:
        seconds, zone = _DATES[query.field]
        terms = [f"{seconds} IS NOT NULL"]
        for sign, day in ((">=", query.first), ("<", query.end)):
            if day is not None:
                terms.append(f"{seconds} + {zone} * 60 {sign} ?")
                self.bindings.append((day.toordinal() - _EPOCH) * SECONDS_PER_DAY)
        return f"({' AND '.join(terms)})"

    def _column(self, query: Query) -> str:
        match query:
            case HasFlag(name):
                mask, _ = known_mask(self._keywords, [canonical_flag(name)])
                return f"(m.flags & {mask} <> 0)"
            case SizeAbove(octets):
                return self._bound("(m.size > ?)", octets)
            case SizeBelow(octets):
                return self._bound("(m.size < ?)", octets)
            case ModSeqAtLeast(modseq):
                return self._bound("(m.modseq >= ?)", modseq)
            case ReceivedBetween(after, before):
                late = "1" if after is None else self._bound("m.received >= ?", after)
                early = "1" if before is None else self._bound("m.received < ?", before)
                return f"({late} AND {early})"
            case EmailIdIs(value):
                return self._object_id("M", "m.content", value)
            case ThreadIdIs(value):
                return self._object_id("T", "c.thread", value)
        raise TypeError(query)

    def _bound(self, sql: str, value: int) -> str:
        self.bindings.append(value)
        return sql

    def _object_id(self, kind: str, column: str, value: str) -> str:
        """As :mod:`.rows` writes them."""
        start = kind + self._tag
        try:
            number = int(value[len(start) :], 16)
        except ValueError:
            return "0"
        if value != f"{start}{number:x}" or number >= 2**63:
            return "0"
        return self._bound(f"({column} = ?)", number)

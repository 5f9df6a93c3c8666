"""The table of SEARCH keys (RFC 9051 6.4.4, RFC 3501 6.4.4): a new key is a row in KEYS.

A row reads the key's arguments and gives a :data:`Key`: a function from what only the session
knows (sequence numbers, ``$``, \\Recent, the time) to a query for the store.  Further RFCs:
7162 (MODSEQ), 5032 (YOUNGER, OLDER), 5182 (``$``).  FUZZY, FILTER, SAVEDATE and OBJECTID keys
are later issues'.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from mailhub.imap.search_charsets import Decode
from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.sequence import SequenceSet
from mailhub.model.flags import canonical_flag
from mailhub.model.numbers import NumberSet
from mailhub.model.search import (
    And,
    BodyContains,
    DateField,
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
    UidIn,
)

MAX_DEPTH = 100
"""Of NOT, OR and parentheses in each other.  Clients write long ORs as nested pairs."""

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a session knows at the moment when its search runs."""

    numbers: Callable[[SequenceSet], NumberSet]
    """Message sequence numbers to UIDs; refuses numbers beyond EXISTS."""
    uids: Callable[[SequenceSet], NumberSet]
    """UIDs with ``*`` and ``$`` filled in."""
    recent: NumberSet
    now: int


Key = Callable[[Scene], Query]


class KeyParser:
    """Reads search keys; knows afterwards what kinds of keys there were."""

    def __init__(self, r: Reader, decode: Decode) -> None:
        self.r = r
        self.uses_modseq = False
        self.uses_numbers = False
        self._decode = decode
        self._depth = 0

    def keys(self) -> Key:
        """``key *(SP key)``: all of them must match."""
        found = [self.key()]
        while self.r.more():
            found.append(self.key())
        return all_of(found)

    def key(self) -> Key:
        if self._depth == MAX_DEPTH:
            raise SyntaxRefused(f"Search keys may be nested at most {MAX_DEPTH} deep")
        self._depth += 1
        try:
            return self._key()
        finally:
            self._depth -= 1

    def _key(self) -> Key:
        if self.r.accept(b"("):
            inside = self.keys()
            self.r.close()
            return inside
        if self.r.peek().isdigit() or self.r.peek() in (b"*", b"$"):
            return numbers(self)
        return KEYS[self.r.one_of(NAMES)](self)

    def text(self) -> str:
        """An astring in the search's charset (9051 6.4.4)."""
        self.r.sp()
        try:
            return self._decode(self.r.astring_bytes())
        except UnicodeDecodeError:
            raise SyntaxRefused("The search text is not valid in its charset") from None

    def argument_key(self) -> Key:
        self.r.sp()
        return self.key()


# --- combining ----------------------------------------------------------------------------


def constant(query: Query) -> Key:
    return lambda scene: query


def all_of(keys: list[Key]) -> Key:
    if len(keys) == 1:
        return keys[0]

    def resolve(scene: Scene) -> Query:
        found: list[Query] = []
        for query in (key(scene) for key in keys):
            found += query.queries if isinstance(query, And) else [query]
        return And(tuple(found))

    return resolve


def any_of(first: Key, second: Key) -> Key:
    """Nested pairs become one flat Or, so that a long list of alternatives stays shallow."""

    def resolve(scene: Scene) -> Query:
        found: list[Query] = []
        for query in (first(scene), second(scene)):
            found += query.queries if isinstance(query, Or) else [query]
        return Or(tuple(found))

    return resolve


def negated(key: Key) -> Key:
    def resolve(scene: Scene) -> Query:
        query = key(scene)
        return query.query if isinstance(query, Not) else Not(query)

    return resolve


# --- kinds of keys ------------------------------------------------------------------------

Read = Callable[[KeyParser], Key]


def plain(query: Query) -> Read:
    return lambda p: constant(query)


def numbers(p: KeyParser) -> Key:
    """A bare sequence-set means sequence numbers, in UID SEARCH too (9051 6.4.9)."""
    wanted = p.r.sequence_set()
    p.uses_numbers = p.uses_numbers or not wanted.is_saved
    return lambda scene: UidIn(scene.numbers(wanted))


def uids(p: KeyParser) -> Key:
    p.r.sp()
    wanted = p.r.sequence_set()
    return lambda scene: UidIn(scene.uids(wanted))


def recent(p: KeyParser) -> Key:
    return lambda scene: UidIn(scene.recent)


def flag(p: KeyParser) -> Key:
    p.r.sp()
    return constant(HasFlag(canonical_flag(p.r.flag())))


def header(field: str) -> Read:
    return lambda p: constant(HeaderContains(field, p.text()))


def any_header(p: KeyParser) -> Key:
    p.r.sp()
    field = p.r.astring()
    return constant(HeaderContains(field, p.text()))


def body(p: KeyParser) -> Key:
    return constant(BodyContains(p.text()))


def text(p: KeyParser) -> Key:
    return constant(TextContains(p.text()))


def before(field: DateField) -> Read:
    def read(p: KeyParser) -> Key:
        p.r.sp()
        return constant(OnDays(field, None, p.r.date()))

    return read


def on(field: DateField) -> Read:
    def read(p: KeyParser) -> Key:
        p.r.sp()
        day = p.r.date()
        # The last day that can be written has no day after it.
        return constant(OnDays(field, day, day + DAY if day < datetime.date.max else None))

    return read


def since(field: DateField) -> Read:
    def read(p: KeyParser) -> Key:
        p.r.sp()
        return constant(OnDays(field, p.r.date(), None))

    return read


def larger(p: KeyParser) -> Key:
    p.r.sp()
    return constant(SizeAbove(p.r.number64()))


def smaller(p: KeyParser) -> Key:
    p.r.sp()
    return constant(SizeBelow(p.r.number64()))


def younger(p: KeyParser) -> Key:  # 5032 3
    p.r.sp()
    seconds = p.r.nz_number()
    return lambda scene: ReceivedBetween(scene.now - seconds, None)


def older(p: KeyParser) -> Key:  # 5032 3: exactly that old counts as older
    p.r.sp()
    seconds = p.r.nz_number()
    return lambda scene: ReceivedBetween(None, scene.now - seconds + 1)


def modseq(p: KeyParser) -> Key:
    """``MODSEQ ["/flags/\\\\Seen" all] 620162338``; there is one modseq for all entries, so the
    entry is read and ignored (7162 3.1.5).
    """
    p.uses_modseq = True
    p.r.sp()
    if p.r.peek() == b'"':
        p.r.astring_bytes()
        p.r.sp()
        p.r.one_of(("PRIV", "SHARED", "ALL"))
        p.r.sp()
    return constant(ModSeqAtLeast(p.r.number64()))


def either(p: KeyParser) -> Key:
    return any_of(p.argument_key(), p.argument_key())


# --- the table ----------------------------------------------------------------------------


def has(name: str) -> Read:
    return plain(HasFlag(name))


def lacks(name: str) -> Read:
    return plain(Not(HasFlag(name)))


KEYS: dict[str, Read] = {
    "ALL": plain(Everything()),
    "ANSWERED": has("\\Answered"),
    "BCC": header("Bcc"),
    "BEFORE": before(DateField.INTERNAL),
    "BODY": body,
    "CC": header("Cc"),
    "DELETED": has("\\Deleted"),
    "DRAFT": has("\\Draft"),
    "FLAGGED": has("\\Flagged"),
    "FROM": header("From"),
    "HEADER": any_header,
    "KEYWORD": flag,
    "LARGER": larger,
    "MODSEQ": modseq,
    "NEW": lambda p: all_of([recent(p), constant(Not(HasFlag("\\Seen")))]),  # 3501 6.4.4
    "NOT": lambda p: negated(p.argument_key()),
    "OLD": lambda p: negated(recent(p)),
    "OLDER": older,
    "ON": on(DateField.INTERNAL),
    "OR": either,
    "RECENT": recent,
    "SEEN": has("\\Seen"),
    "SENTBEFORE": before(DateField.SENT),
    "SENTON": on(DateField.SENT),
    "SENTSINCE": since(DateField.SENT),
    "SINCE": since(DateField.INTERNAL),
    "SMALLER": smaller,
    "SUBJECT": header("Subject"),
    "TEXT": text,
    "TO": header("To"),
    "UID": uids,
    "UNANSWERED": lacks("\\Answered"),
    "UNDELETED": lacks("\\Deleted"),
    "UNDRAFT": lacks("\\Draft"),
    "UNFLAGGED": lacks("\\Flagged"),
    "UNKEYWORD": lambda p: negated(flag(p)),
    "UNSEEN": lacks("\\Seen"),
    "YOUNGER": younger,
}

NAMES = tuple(KEYS)

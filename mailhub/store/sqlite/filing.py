"""New messages: content, body and message rows, threads.  APPEND and delivery.

A message whose rest is too long for one row is staged first: its chunks are written in
transactions of their own, so that no writer waits for 50 MiB, and belong to nobody until the
message is filed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from mailhub.config.options import Pop3Config
from mailhub.interfaces import Incoming
from mailhub.mime.analysis import Analysis
from mailhub.mime.commonfields import pack
from mailhub.model.mail import Appended, InternalDate
from mailhub.model.names import INBOX, MailboxName
from mailhub.model.numbers import ModSeq, NumberSet
from mailhub.store.spool import Staged, in_memory
from mailhub.store.sqlite import admission, boxes, keywords
from mailhub.store.sqlite.boxes import Box
from mailhub.store.sqlite.journalfile import FiledLetter
from mailhub.store.sqlite.packing import integers
from mailhub.store.sqlite.transaction import Tx

CHUNK_OCTETS = 256 * 1024
CHUNKS_AT_ONCE = 4
MAX_REFERENCES = 30
"""Message ids of one message that its thread is looked up by, the oldest and the newest."""

ARRIVAL = f"INSERT INTO arrival VALUES ({', '.join('?' * 35)})"
INSERT_CONTENT = f"INSERT INTO content VALUES ({', '.join('?' * 23)})"

UidlMaker = Callable[[int, int], str]
"""From UIDVALIDITY and UID to the id that POP3 shows for ever."""


class Place(NamedTuple):
    """What a message is given when it is filed."""

    uid: int
    content: int
    modseq: ModSeq
    uidl: str | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to be filed; ``content`` if its chunks have been staged."""

    incoming: Incoming
    staged: Staged
    content: int | None = None

    @property
    def rest_octets(self) -> int:
        return self.staged.size - self.staged.analysis.header_octets


def file(tx: Tx, name: MailboxName, letters: Sequence[Letter], uidl: UidlMaker) -> Appended:
    """File all *letters* in the mailbox *name*, or none of them.

    Raises NoSuchMailbox, LimitReached, OverQuota, MessageTooLarge.
    """
    box = boxes.find(tx, name)
    octets = [letter.staged.size for letter in letters]
    admission.admit(tx, box, octets)
    modseq = tx.next_modseq()
    uids = box.take_uids(len(letters))
    for uid, letter in zip(uids, letters, strict=True):
        content = letter.content or tx.next_content()
        if letter.content is not None:
            tx.execute("DELETE FROM staging WHERE content = ?", (content,))
        kept = uidl(box.uidvalidity, uid) if box.name == INBOX else None
        _insert(tx, box, letter, Place(uid, content, modseq, kept))
        if tx.filed is not None:
            tx.filed.append(_as_filed(tx, box, letter, uid, content, kept))
    if letters:
        tx.charge("filed", box.id, sum(octets), len(letters))
        tx.touched.append(box.id)
    return Appended(box.uidvalidity, NumberSet.of_sorted(uids))


def file_again(tx: Tx, filed: FiledLetter) -> None:
    """File as it was what a journal tells of.  Raises MailboxGone."""
    box = boxes.get(tx, filed.mailbox)
    staged = in_memory(filed.octets)
    letter = Letter(Incoming(staged, frozenset(filed.flags), filed.date), staged)
    tx.take_content(filed.content)
    _insert(tx, box, letter, Place(filed.uid, filed.content, tx.next_modseq(), filed.uidl))
    # Others may have been given out since, and lost.
    uidnext = max(box.uidnext, filed.uid + 1)
    tx.execute("UPDATE mailbox SET uidnext = ? WHERE id = ?", (uidnext, box.id))
    tx.charge("filed", box.id, staged.size, 1)
    tx.touched.append(box.id)


def file_homeless(tx: Tx, filed: FiledLetter) -> None:
    """The same in INBOX, for a message whose mailbox is not there."""
    inbox = boxes.find(tx, INBOX)
    uidl = Pop3Config().uidl_format.format(uidvalidity=inbox.uidvalidity, uid=inbox.uidnext)
    file_again(tx, replace(filed, mailbox=inbox.id, uid=inbox.uidnext, uidl=uidl))


def _insert(tx: Tx, box: Box, letter: Letter, place: Place) -> None:
    analysis = letter.staged.analysis
    flags = keywords.mask(tx, box, letter.incoming.flags)
    thread = thread_of(tx, analysis, place.content)
    message = (box.id, place.uid, place.content, flags, place.modseq, place.modseq)
    about = content_row(place.content, thread, analysis)[2:]
    row = (*message, *_dates(tx, letter), analysis.size, place.uidl, *_octets(letter), *about)
    tx.execute(ARRIVAL, row)


def _as_filed(
    tx: Tx, box: Box, letter: Letter, uid: int, content: int, uidl: str | None
) -> FiledLetter:
    date = letter.incoming.date or InternalDate(tx.now)
    flags = tuple(sorted(letter.incoming.flags))
    octets = letter.staged.read(0, letter.staged.size)
    return FiledLetter(box.id, uid, content, flags, date, uidl, octets)


def _dates(tx: Tx, letter: Letter) -> tuple[int, int, int]:
    """INTERNALDATE, its zone, and when it came into the mailbox."""
    date = letter.incoming.date
    return (date.seconds, date.zone_minutes, tx.now) if date else (tx.now, 0, tx.now)


def _octets(letter: Letter) -> tuple[bytes, bytes | None, bytes | None]:
    """The header, the rest, and the common fields of the header."""
    staged, header_octets = letter.staged, letter.staged.analysis.header_octets
    rest = staged.read(header_octets, letter.rest_octets) if letter.content is None else None
    header = staged.read(0, header_octets)
    return header, rest, pack(header)


def content_row(content: int, thread: int, a: Analysis) -> tuple[int | bytes | str | None, ...]:
    return (
        content,
        a.size,
        a.header_octets,
        thread,
        a.sent_seconds,
        a.sent_zone,
        a.has_attachment,
        a.envelope,
        a.bodystructure,
        _text(a.preview),
        a.parts,
        _text(a.message_id),
        _text(" ".join(a.references)),
        _text(a.base_subject),
        _text(a.subject),
        _text(a.from_),
        _text(a.to),
        _text(a.cc),
        _text(a.sort_from),
        _text(a.sort_to),
        _text(a.sort_cc),
        _text(a.display_from),
        _text(a.display_to),
    )


def _text(text: str) -> str:
    """*text* without lone surrogates, which no UTF-8 can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


# --- threads ------------------------------------------------------------------------------


def thread_of(tx: Tx, analysis: Analysis, content: int) -> int:
    """The thread of a message: that of the oldest relative known, else one of its own.

    RFC 8474 5.2: it never changes, so two threads that turn out to be one stay two.
    """
    references = analysis.references
    if len(references) > MAX_REFERENCES:
        references = references[:1] + references[1 - MAX_REFERENCES :]
    ids = {_hash(message_id) for message_id in (*references, analysis.message_id) if message_id}
    if not ids:
        return content
    if len(ids) == 1:
        # DO UPDATE changes nothing, but makes RETURNING tell what was there.
        found: int = tx.value(
            "INSERT INTO thread VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET thread = thread RETURNING thread",
            (ids.pop(), content),
        )
        return found
    known: dict[int, int] = dict(
        tx.rows(
            "SELECT message_id, thread FROM thread"
            " WHERE message_id IN (SELECT value FROM carray(?))",
            (integers(ids),),
        )
    )
    thread = min(known.values(), default=content)
    unknown = ids - known.keys()
    if unknown:
        tx.execute("INSERT INTO thread SELECT value, ? FROM carray(?)", (thread, integers(unknown)))
    return thread


@lru_cache(4_096)
def _hash(message_id: str) -> int:
    """The same for all recipients of a message and all messages of a thread."""
    octets = message_id.encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(octets, digest_size=8).digest(), "big", signed=True)


# --- chunks -------------------------------------------------------------------------------


def begin_chunks(tx: Tx) -> int:
    """A content id for a message whose chunks are going to be staged."""
    content = tx.next_content()
    tx.execute("INSERT INTO staging VALUES (?, ?)", (content, tx.now))
    return content


def add_chunks(tx: Tx, content: int, letter: Letter, first: int) -> None:
    """Write some chunks of *letter*, from number *first* on."""
    start = letter.staged.analysis.header_octets
    for n in range(first, first + CHUNKS_AT_ONCE):
        at = start + n * CHUNK_OCTETS
        if at >= letter.staged.size:
            return
        octets = letter.staged.read(at, min(CHUNK_OCTETS, letter.staged.size - at))
        tx.execute("INSERT INTO chunk VALUES (?, ?, ?)", (content, n, octets))

"""Reading a stretch of a message: its header block, then its rest or the chunks of it."""

from __future__ import annotations

import apsw

from mailhub.model.errors import MailboxGone, MessageGone
from mailhub.model.mail import MailboxId
from mailhub.model.numbers import Uid
from mailhub.store.sqlite.connection import row, snapshot, value
from mailhub.store.sqlite.filing import CHUNK_OCTETS

MAX_READ = 256 * 1024

STRETCH = """
    SELECT substr(header, ?3 + 1, ?4),
        substr(
            rest,
            max(?3 - length(header), 0) + 1,
            max(?4 - max(length(header) - ?3, 0), 0)
        )
    FROM (
        SELECT content FROM message WHERE mailbox = ?1 AND uid = ?2
        UNION ALL SELECT content FROM expunged WHERE mailbox = ?1 AND uid = ?2
    ) JOIN body USING (content)
    WHERE rest IS NOT NULL
"""
"""Of a message without chunks, nearly all there are: one statement instead of six."""


def read(db: apsw.Connection, mailbox: MailboxId, uid: Uid, start: int, octets: int) -> bytes:
    """Bytes of a message, at most MAX_READ.  Raises MailboxGone, MessageGone."""
    found = row(db, STRETCH, (mailbox, uid, start, min(octets, MAX_READ)))
    if found is not None:
        return (found[0] or b"") + (found[1] or b"")  # SQLite has NULL for a part of nothing
    with snapshot(db):
        content = content_of(db, mailbox, uid)
        return read_content(db, content, start, octets)


def content_of(db: apsw.Connection, mailbox: MailboxId, uid: Uid) -> int:
    """Of a message that is there, or was a short while ago."""
    content: int | None = value(
        db,
        "SELECT content FROM message WHERE mailbox = ?1 AND uid = ?2"
        " UNION ALL SELECT content FROM expunged WHERE mailbox = ?1 AND uid = ?2",
        (mailbox, uid),
    )
    if content is not None:
        return content
    if value(db, "SELECT 1 FROM mailbox WHERE id = ?", (mailbox,)) is None:
        raise MailboxGone
    raise MessageGone


def read_content(db: apsw.Connection, content: int, start: int, octets: int) -> bytes:
    """Bytes of a message by its content: all that were asked for, up to MAX_READ."""
    wanted = min(octets, MAX_READ)
    body = row(db, "SELECT length(header), rest IS NULL FROM body WHERE content = ?", (content,))
    if body is None:
        raise MessageGone
    header_octets, chunked = body
    pieces: list[bytes] = []
    if start < header_octets:
        pieces.append(_part(db, "header", content, start, wanted))
        start, wanted = header_octets, wanted - len(pieces[0])
    start -= header_octets
    if wanted and not chunked:
        pieces.append(_part(db, "rest", content, start, wanted))
    while wanted and chunked:
        n, at = divmod(start, CHUNK_OCTETS)
        pieces.append(piece := _chunk(db, content, n, at, min(wanted, CHUNK_OCTETS - at)))
        chunked = at + len(piece) == CHUNK_OCTETS  # a shorter one is the last
        start, wanted = start + len(piece), wanted - len(piece)
    return b"".join(pieces)


def _part(db: apsw.Connection, column: str, content: int, start: int, octets: int) -> bytes:
    piece: bytes | None = value(
        db,
        f"SELECT substr({column}, ?, ?) FROM body WHERE content = ?",
        (start + 1, octets, content),
    )
    return piece or b""  # SQLite has NULL for a part of nothing


def _chunk(db: apsw.Connection, content: int, n: int, start: int, octets: int) -> bytes:
    piece: bytes | None = value(
        db,
        "SELECT substr(octets, ?, ?) FROM chunk WHERE content = ? AND n = ?",
        (start + 1, octets, content, n),
    )
    return piece or b""

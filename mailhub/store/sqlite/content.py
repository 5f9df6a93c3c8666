"""Reading a stretch of a message: its header block, then its rest or the chunks of it."""

from __future__ import annotations

import apsw

from mailhub.model.errors import MailboxGone, MessageGone
from mailhub.model.mail import MailboxId
from mailhub.model.numbers import Uid
from mailhub.store.sqlite.connection import row, snapshot, value
from mailhub.store.sqlite.filing import CHUNK_OCTETS

MAX_READ = 256 * 1024


def read(db: apsw.Connection, mailbox: MailboxId, uid: Uid, start: int, octets: int) -> bytes:
    """Bytes of a message, at most MAX_READ.  Raises MailboxGone, MessageGone."""
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
    """Bytes of a message by its content, at most MAX_READ.

    They come from one row, so that fewer can come than were asked for.
    """
    octets = min(octets, MAX_READ)
    body = row(
        db,
        "SELECT length(header), rest IS NULL FROM body WHERE content = ?",
        (content,),
    )
    if body is None:
        raise MessageGone
    header_octets, chunked = body
    if start < header_octets:
        return _part(db, "header", content, start, octets)
    if not chunked:
        return _part(db, "rest", content, start - header_octets, octets)
    n, at = divmod(start - header_octets, CHUNK_OCTETS)
    piece: bytes | None = value(
        db,
        "SELECT substr(octets, ?, ?) FROM chunk WHERE content = ? AND n = ?",
        (at + 1, octets, content, n),
    )
    return piece or b""


def _part(db: apsw.Connection, column: str, content: int, start: int, octets: int) -> bytes:
    piece: bytes = value(
        db,
        f"SELECT substr({column}, ?, ?) FROM body WHERE content = ?",
        (start + 1, octets, content),
    )
    return piece

"""Making the analysis of a message anew from its bytes, for repairs."""

from __future__ import annotations

import apsw

from mailhub.mime.commonfields import pack
from mailhub.mime.scanner import Scanner
from mailhub.store.sqlite.connection import value
from mailhub.store.sqlite.content import MAX_READ, read_content
from mailhub.store.sqlite.filing import INSERT_CONTENT, content_row


def rebuild_content(db: apsw.Connection, content: int) -> None:
    """Replace the content row of a message whose bytes are there."""
    scanner = Scanner()
    at = 0
    while piece := read_content(db, content, at, MAX_READ):
        scanner.feed(piece)
        at += len(piece)
    # Where the bytes are divided between columns stays as it is.
    header = value(db, "SELECT header FROM body WHERE content = ?", (content,))
    analysis = scanner.finish()._replace(header_octets=len(header))
    thread = value(db, "SELECT thread FROM content WHERE id = ?", (content,)) or content
    db.execute("DELETE FROM content WHERE id = ?", (content,))
    db.execute(INSERT_CONTENT, content_row(content, thread, analysis))
    db.execute("INSERT OR REPLACE INTO fields VALUES (?, ?)", (content, pack(header)))

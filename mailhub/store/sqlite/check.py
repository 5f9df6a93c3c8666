"""The invariants of an account file, proved by counting, and what can be set right.

Each row of :data:`CHECKS` is an invariant of ``schema/*.sql``: a query that finds the
violations and the statements that repair them.  The bytes of messages are the truth: whatever
else is wrong is computed anew from them.  Damage that SQLite itself finds is reported only; what
can be saved then is an administrator's decision.
"""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from mailhub.model.mail import Usage
from mailhub.model.names import INBOX
from mailhub.store.sqlite.connection import refusals, row, rows, snapshot
from mailhub.store.sqlite.rebuilding import rebuild_content
from mailhub.store.sqlite.transaction import CEILING_STEP

AT_MOST = 20
"""Violations of one kind that are told one by one."""


@dataclass(frozen=True, slots=True)
class Problem:
    kind: str
    text: str
    repairable: bool


@dataclass(frozen=True, slots=True)
class Check:
    kind: str
    sentence: str
    """With a place for each column of the query."""
    query: str
    repairs: tuple[str, ...] = ()
    rebuilds: bool = False
    """The query's first column is a content whose analysis can be made anew."""


COVERED = (
    "(SELECT high FROM changed AS c INDEXED BY changed_at WHERE c.mailbox = m.mailbox"
    " AND c.modseq = m.modseq AND c.low <= m.uid ORDER BY c.low DESC LIMIT 1)"
)
"""How far the range goes that a message m may be in; those of one change are disjoint."""

COUNTED = """(
    SELECT b.id,
        count(m.uid) AS message_count,
        coalesce(sum(m.flags & 1 = 0), 0) AS unseen,
        coalesce(sum(m.flags & 8 <> 0), 0) AS deleted,
        coalesce(sum(m.size), 0) AS octets,
        coalesce(sum(m.size * (m.flags & 8 <> 0)), 0) AS deleted_octets,
        coalesce(sum(m.uid >= b.recent_from), 0) AS recent,
        min(CASE WHEN m.flags & 1 = 0 THEN m.uid END) AS first_unseen
    FROM mailbox AS b LEFT JOIN message AS m ON m.mailbox = b.id GROUP BY b.id
)"""
COUNTERS = (
    "message_count",
    "unseen",
    "deleted",
    "octets",
    "deleted_octets",
    "recent",
    "first_unseen",
)
ROWS = "(SELECT * FROM message UNION ALL SELECT {} FROM expunged)".format(
    "mailbox, uid, content, flags, modseq, added, received, zone, saved, size, uidl"
)
STORED_OCTETS = """(length(b.header) + coalesce(length(b.rest),
    (SELECT sum(length(octets)) FROM chunk WHERE chunk.content = b.content)))"""

CHECKS = (
    # --- messages and their bytes
    Check(
        "lost bytes",
        "message {} of mailbox {} has no bytes (content {})",
        f"SELECT uid, mailbox, content FROM {ROWS} AS r WHERE NOT EXISTS ("
        "SELECT 1 FROM body AS b WHERE b.content = r.content AND (b.rest IS NOT NULL"
        " OR (SELECT count(*) = max(n) + 1 FROM chunk WHERE chunk.content = b.content)))",
        tuple(
            f"DELETE FROM {table} AS r WHERE NOT EXISTS ("
            "SELECT 1 FROM body AS b WHERE b.content = r.content AND (b.rest IS NOT NULL"
            " OR (SELECT count(*) = max(n) + 1 FROM chunk WHERE chunk.content = b.content)))"
            for table in ("message", "expunged")
        ),
    ),
    Check(
        "analysis",
        "content {} has no analysis, or one of other bytes",
        f"SELECT b.content FROM body AS b LEFT JOIN content AS c ON c.id = b.content"
        f" WHERE (c.id IS NULL OR c.size <> {STORED_OCTETS}"
        " OR c.header_octets <> length(b.header))"
        f" AND b.content IN (SELECT content FROM {ROWS})",
        rebuilds=True,
    ),
    Check(
        "fields",
        "the fields of content {} are not those of its header",
        "SELECT b.content FROM body AS b LEFT JOIN fields AS f ON f.content = b.content"
        " WHERE (f.content IS NULL OR f.packed IS NOT pack_fields(b.header))"
        f" AND b.content IN (SELECT content FROM {ROWS})",
        rebuilds=True,
    ),
    Check(
        "size",
        "message {} of mailbox {} is said to have {} octets, its content has {}",
        f"SELECT r.uid, r.mailbox, r.size, c.size FROM {ROWS} AS r"
        " JOIN content AS c ON c.id = r.content WHERE r.size <> c.size",
        tuple(
            f"UPDATE {table} SET size = (SELECT size FROM content WHERE id = {table}.content)"
            f" WHERE content IN (SELECT id FROM content)"
            for table in ("message", "expunged")
        ),
    ),
    # --- orphans
    Check(
        "lost mailbox",
        "messages of a mailbox {} that does not exist: {}",
        "SELECT mailbox, count(*) FROM message WHERE mailbox NOT IN (SELECT id FROM mailbox)"
        " GROUP BY mailbox",
        (
            "INSERT INTO mailbox (id, name, uidvalidity, highest_modseq)"
            " SELECT DISTINCT mailbox, 'Recovered ' || mailbox,"
            " (SELECT last_uidvalidity FROM account) + mailbox, 1 FROM message"
            " WHERE mailbox NOT IN (SELECT id FROM mailbox)",
        ),
    ),
    Check(
        "orphan",
        "content {} belongs to no message",
        f"SELECT id FROM content WHERE id NOT IN (SELECT content FROM {ROWS})",
        (f"DELETE FROM content WHERE id NOT IN (SELECT content FROM {ROWS})",),
    ),
    Check(
        "orphan",
        "the bytes of content {} belong to no message",
        f"SELECT content FROM body WHERE content NOT IN (SELECT content FROM {ROWS})",
        (f"DELETE FROM body WHERE content NOT IN (SELECT content FROM {ROWS})",),
    ),
    Check(
        "orphan",
        "the fields of content {} belong to no message",
        f"SELECT content FROM fields WHERE content NOT IN (SELECT content FROM {ROWS})",
        (f"DELETE FROM fields WHERE content NOT IN (SELECT content FROM {ROWS})",),
    ),
    Check(
        "orphan",
        "chunks of content {} belong to no message",
        f"SELECT DISTINCT content FROM chunk WHERE content NOT IN (SELECT content FROM {ROWS})"
        " AND content NOT IN (SELECT content FROM staging)",
        (
            f"DELETE FROM chunk WHERE content NOT IN (SELECT content FROM {ROWS})"
            " AND content NOT IN (SELECT content FROM staging)",
        ),
    ),
    # --- UIDs and modseqs
    Check(
        "uid",
        "mailbox {}: uidnext is {}, but there is a message {}",
        "SELECT b.id, b.uidnext, max(m.uid) FROM mailbox AS b"
        f" JOIN {ROWS} AS m ON m.mailbox = b.id GROUP BY b.id HAVING max(m.uid) >= b.uidnext",
        (
            "UPDATE mailbox SET uidnext = max(uidnext, 1 + coalesce((SELECT max(uid)"
            f" FROM {ROWS} WHERE mailbox = mailbox.id), 0))".replace(
                "WHERE mailbox =", "AS r WHERE r.mailbox ="
            ),
        ),
    ),
    Check(
        "uid",
        "message {} of mailbox {} exists and is expunged",
        "SELECT uid, mailbox FROM message JOIN expunged USING (mailbox, uid)",
        (
            "DELETE FROM expunged WHERE EXISTS (SELECT 1 FROM message AS m"
            " WHERE m.mailbox = expunged.mailbox AND m.uid = expunged.uid)",
        ),
    ),
    Check(
        "uid",
        "message {} of mailbox {} exists and has a tombstone",
        f"SELECT m.uid, m.mailbox FROM tombstone AS t JOIN {ROWS} AS m"
        " ON m.mailbox = t.mailbox AND m.uid BETWEEN t.low AND t.high",
        (
            f"DELETE FROM tombstone WHERE EXISTS (SELECT 1 FROM {ROWS} AS m"
            " WHERE m.mailbox = tombstone.mailbox"
            " AND m.uid BETWEEN tombstone.low AND tombstone.high)",
        ),
    ),
    Check(
        "modseq",
        "message {} of mailbox {} came with modseq {}, one before it with {}",
        "SELECT uid, mailbox, added, before FROM (SELECT uid, mailbox, added,"
        " max(added) OVER (PARTITION BY mailbox ORDER BY uid) AS before FROM message)"
        " WHERE added < before",
        (
            "UPDATE message SET added = before FROM (SELECT uid AS u, mailbox AS b,"
            " max(added) OVER (PARTITION BY mailbox ORDER BY uid) AS before FROM message)"
            " WHERE uid = u AND mailbox = b AND added < before",
        ),
    ),
    Check(
        "modseq",
        "message {} of mailbox {} has modseq {}, but came with {}",
        "SELECT uid, mailbox, modseq, added FROM message WHERE modseq < added",
        ("UPDATE message SET modseq = added WHERE modseq < added",),
    ),
    Check(
        "changed",
        "message {} of mailbox {} has changed, but is in no range of changed messages",
        "SELECT uid, mailbox FROM message AS m WHERE modseq > added"
        f" AND coalesce({COVERED}, 0) < uid",
        (
            "INSERT OR REPLACE INTO changed SELECT mailbox, uid, uid, modseq FROM message AS m"
            f" WHERE modseq > added AND coalesce({COVERED}, 0) < uid",
        ),
    ),
    Check(
        "modseq",
        "mailbox {}: highest modseq is {}, but there is a message with {}",
        "SELECT b.id, b.highest_modseq, max(m.modseq) FROM mailbox AS b"
        " JOIN message AS m ON m.mailbox = b.id"
        " GROUP BY b.id HAVING max(m.modseq) > b.highest_modseq",
        (
            "UPDATE mailbox SET highest_modseq = max(highest_modseq, coalesce("
            "(SELECT max(m.modseq) FROM message AS m WHERE m.mailbox = mailbox.id), 1))",
        ),
    ),
    Check(
        "modseq",
        "the account has issued modseqs up to {} (ceiling {}), but a mailbox is at {}",
        "SELECT modseq, modseq_ceiling, top FROM account,"
        " (SELECT max(highest_modseq) AS top FROM mailbox)"
        " WHERE top > modseq OR modseq > modseq_ceiling",
        (
            "UPDATE account SET modseq = max(modseq, (SELECT max(highest_modseq) FROM mailbox))",
            f"UPDATE account SET modseq_ceiling = max(modseq_ceiling, modseq + {CEILING_STEP})",
        ),
    ),
    Check(
        "content id",
        "content {} was given out beyond the counter",
        "SELECT max(id) FROM content HAVING max(id) > (SELECT last_content FROM account)",
        (
            "UPDATE account SET last_content ="
            " max(last_content, coalesce((SELECT max(id) FROM content), 0))",
        ),
    ),
    # --- mailboxes
    Check(
        "flags",
        "message {} of mailbox {} carries keywords that the mailbox does not know",
        "SELECT m.uid, m.mailbox FROM message AS m JOIN mailbox AS b ON b.id = m.mailbox"
        " WHERE m.flags >> (5 + CASE b.keywords WHEN '' THEN 0 ELSE"
        " 1 + length(b.keywords) - length(replace(b.keywords, ' ', '')) END) <> 0",
        (
            "UPDATE message SET flags = flags & ((1 << (SELECT 5 + CASE keywords WHEN '' THEN 0"
            " ELSE 1 + length(keywords) - length(replace(keywords, ' ', '')) END"
            " FROM mailbox WHERE id = message.mailbox)) - 1)",
        ),
    ),
    Check(
        "inbox",
        "there is no INBOX",
        f"SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM mailbox WHERE name = '{INBOX}')",
        (
            "UPDATE account SET last_uidvalidity = last_uidvalidity + 1",
            "INSERT OR IGNORE INTO mailbox (name, uidvalidity, highest_modseq)"
            f" SELECT '{INBOX}', last_uidvalidity, 1 FROM account",
        ),
    ),
    Check(
        "uidvalidity",
        "mailbox {} has a UIDVALIDITY that another has, or beyond the last given: {}",
        "SELECT id, uidvalidity FROM mailbox AS b"
        " WHERE uidvalidity > (SELECT last_uidvalidity FROM account) OR EXISTS ("
        "SELECT 1 FROM mailbox AS o WHERE o.uidvalidity = b.uidvalidity AND o.id < b.id)",
        (
            "UPDATE account SET last_uidvalidity = max(last_uidvalidity,"
            " (SELECT max(uidvalidity) FROM mailbox))",
            "UPDATE mailbox SET uidvalidity = (SELECT last_uidvalidity FROM account) + id"
            " WHERE EXISTS (SELECT 1 FROM mailbox AS o"
            " WHERE o.uidvalidity = mailbox.uidvalidity AND o.id < mailbox.id)",
            "UPDATE account SET last_uidvalidity = max(last_uidvalidity,"
            " (SELECT max(uidvalidity) FROM mailbox))",
        ),
    ),
    # --- counters, after everything that they count
    *(
        Check(
            "counter",
            "mailbox {}: " + counter + " is {}, counting gives {}",
            f"SELECT b.id, b.{counter}, c.{counter} FROM mailbox AS b"
            f" JOIN {COUNTED} AS c USING (id) WHERE b.{counter} IS NOT c.{counter}",
            (
                f"UPDATE mailbox SET {counter} = c.{counter} FROM {COUNTED} AS c"
                " WHERE c.id = mailbox.id",
            ),
        )
        for counter in COUNTERS
    ),
    Check(
        "usage",
        "the account is said to hold {} octets in {} messages, counting gives {} in {}",
        "SELECT a.octets, a.messages, c.octets, c.messages FROM account AS a,"
        " (SELECT coalesce(sum(size), 0) AS octets, count(*) AS messages FROM message) AS c"
        " WHERE a.octets <> c.octets OR a.messages <> c.messages",
        (
            "UPDATE account SET octets = (SELECT coalesce(sum(size), 0) FROM message),"
            " messages = (SELECT count(*) FROM message), ledger_seq = ledger_seq + 1",
        ),
    ),
    Check(
        "ledger",
        "the ledger says {} octets in {} messages, the account {} in {}",
        "SELECT l.octets, l.messages, a.octets, a.messages FROM account AS a,"
        " (SELECT coalesce(sum(octets), 0) AS octets, coalesce(sum(messages), 0) AS messages"
        " FROM ledger) AS l WHERE a.octets <> l.octets OR a.messages <> l.messages",
        (
            "INSERT INTO ledger SELECT 1 + max(ledger_seq, coalesce((SELECT max(seq) FROM ledger),"
            " 0)), unixepoch(), 'repaired', NULL,"
            " octets - coalesce((SELECT sum(octets) FROM ledger), 0),"
            " messages - coalesce((SELECT sum(messages) FROM ledger), 0) FROM account",
            "UPDATE account SET ledger_seq = (SELECT max(seq) FROM ledger)",
        ),
    ),
    Check(
        "ledger",
        "the newest ledger entry is {}, the account's number is {}",
        "SELECT coalesce(max(seq), 0), ledger_seq FROM ledger, account"
        " GROUP BY ledger_seq HAVING coalesce(max(seq), 0) > ledger_seq",
        ("UPDATE account SET ledger_seq = (SELECT max(seq) FROM ledger)",),
    ),
)


def check_account(db: apsw.Connection) -> list[Problem]:
    """All that is wrong.  Reads the whole file; raises Damaged, Unavailable."""
    with refusals():
        damage = _integrity(db)
        if damage:
            return damage
        with snapshot(db):
            return [problem for check in CHECKS for problem in _violations(db, check)]


def _integrity(db: apsw.Connection) -> list[Problem]:
    told: list[str] = []
    try:
        told.extend(text for (text,) in db.execute(f"PRAGMA integrity_check({AT_MOST})"))
    except (apsw.CorruptError, apsw.NotADBError) as error:
        # Where pages point beyond themselves it sometimes fails instead of telling what it found.
        told.append(str(error))
    if told == ["ok"]:
        told = [] if row(db, "SELECT 1 FROM account") else ["the account's own row is missing"]
    return [Problem("damage", text, repairable=False) for text in told]


def _violations(db: apsw.Connection, check: Check) -> list[Problem]:
    found = rows(db, f"{check.query} LIMIT {AT_MOST}")
    return [
        Problem(check.kind, check.sentence.format(*columns), repairable=True) for columns in found
    ]


def repair_account(db: apsw.Connection) -> list[Problem]:
    """Set right what can be, in one transaction; what it was, and what is left."""
    with refusals():
        damage = _integrity(db)
        if damage:
            return damage
        db.execute("PRAGMA synchronous=FULL")
        db.execute("BEGIN IMMEDIATE")
        try:
            found = [problem for check in CHECKS for problem in _repaired(db, check)]
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        return found


def _repaired(db: apsw.Connection, check: Check) -> list[Problem]:
    found = _violations(db, check)
    if found and check.rebuilds:
        for (content,) in rows(db, check.query):
            rebuild_content(db, content)
    if found:
        for statement in check.repairs:
            db.execute(statement)
    return found


def usage_of(db: apsw.Connection) -> tuple[Usage, int]:
    """What the account holds, and the ledger_seq that goes with it."""
    with refusals():
        found = row(db, "SELECT octets, messages, ledger_seq FROM account")
    octets, messages, ledger_seq = found or (0, 0, 0)
    return Usage(octets, messages), ledger_seq

-- 0001: one account's mail.
--
-- Invariants (mailhub/store/sqlite/check.py proves them, one test each would fail without it):
--
--   I1  account.octets and account.messages equal sum(size) and count(*) over message.
--   I2  mailbox.message_count, unseen, deleted, octets, deleted_octets, recent equal what counting
--       message gives; first_unseen is the lowest uid without \Seen, NULL when there is none.
--   I3  Every uid of a mailbox is below its uidnext; uid and added ascend together.
--   I4  No modseq anywhere exceeds account.modseq, which never exceeds account.modseq_ceiling;
--       modseq >= added; mailbox.highest_modseq is no less than any modseq in the mailbox.
--   I5  Every message and expunged row has its content and body; a body without rest has all its
--       chunks; sizes add up to content.size.
--   I6  Every content and body belongs to a message or expunged row; chunks do, or they have a
--       row in staging.
--   I7  A uid is in at most one of message, expunged and tombstone.
--   I8  Flags use only bits 0 to 4 and those of the mailbox's keywords.
--   I9  INBOX exists; uidvalidity is unique and at most account.last_uidvalidity.
--
-- Every statement ends with a semicolon at the end of a line.

-- One row.  The counters that every transaction moves, so that a commit touches few pages.
CREATE TABLE account (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- The immutable id: a file under a wrong name must not be taken for another's.
    account_id TEXT NOT NULL,
    -- Part of EMAILID, THREADID and MAILBOXID, so that they differ between accounts (RFC 8474).
    tag TEXT NOT NULL,
    modseq INTEGER NOT NULL,
    -- No modseq above it has been issued, whatever a power loss took back; see issue.py.
    modseq_ceiling INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    last_uidvalidity INTEGER NOT NULL,
    last_content INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    -- Grows with every change of the usage; the hub keeps the usage of the highest.
    ledger_seq INTEGER NOT NULL
) STRICT;

-- AUTOINCREMENT: a mailbox id is never reused, open sessions and MAILBOXID depend on it.
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    uidvalidity INTEGER NOT NULL,
    uidnext INTEGER NOT NULL DEFAULT 1,
    highest_modseq INTEGER NOT NULL,
    message_count INTEGER NOT NULL DEFAULT 0,
    unseen INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    octets INTEGER NOT NULL DEFAULT 0,
    deleted_octets INTEGER NOT NULL DEFAULT 0,
    -- Messages that no session has been told of as \Recent: those from recent_from on.
    recent INTEGER NOT NULL DEFAULT 0,
    recent_from INTEGER NOT NULL DEFAULT 1,
    first_unseen INTEGER,
    -- Joined by spaces in the order of their bits; two spaces in a row: a free place.
    keywords TEXT NOT NULL DEFAULT '',
    special_use TEXT NOT NULL DEFAULT ''
) STRICT;

-- Apart from mailbox: a name may be subscribed that does not exist.
CREATE TABLE subscription (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- size repeats content.size so that counters need no join; added is the modseq with which it came.
CREATE TABLE message (
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    content INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    added INTEGER NOT NULL,
    received INTEGER NOT NULL,
    zone INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    size INTEGER NOT NULL,
    -- POP3's unique id, of INBOX messages only.
    uidl TEXT,
    PRIMARY KEY (mailbox, uid)
) STRICT, WITHOUT ROWID;

-- New mail does not enter it (uid order finds new mail): one page less per delivery.
CREATE INDEX message_changed ON message (mailbox, modseq) WHERE modseq > added;

CREATE INDEX message_deleted ON message (mailbox, uid) WHERE flags & 8 <> 0;

-- What an expunge removed, readable for the grace period by sessions not yet told.
CREATE TABLE expunged (
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    content INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    added INTEGER NOT NULL,
    received INTEGER NOT NULL,
    zone INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    size INTEGER NOT NULL,
    uidl TEXT,
    -- The modseq of the expunge, and when it was.
    gone INTEGER NOT NULL,
    gone_at INTEGER NOT NULL,
    PRIMARY KEY (mailbox, uid)
) STRICT, WITHOUT ROWID;

CREATE INDEX expunged_gone ON expunged (mailbox, gone);

CREATE INDEX expunged_gone_at ON expunged (gone_at);

-- What remains of an expunge afterwards, for QRESYNC: which uids went, at which modseq.
CREATE TABLE tombstone (
    mailbox INTEGER NOT NULL,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    PRIMARY KEY (mailbox, low)
) STRICT, WITHOUT ROWID;

CREATE INDEX tombstone_gone ON tombstone (mailbox, gone);

-- What never changes, found out once at delivery.  Ids come from account.last_content.
CREATE TABLE content (
    id INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    header_octets INTEGER NOT NULL,
    thread INTEGER NOT NULL,
    sent_seconds INTEGER,
    sent_zone INTEGER NOT NULL,
    has_attachment INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    bodystructure BLOB NOT NULL,
    preview TEXT NOT NULL,
    parts BLOB NOT NULL,
    message_id TEXT NOT NULL,
    reference_ids TEXT NOT NULL,
    base_subject TEXT NOT NULL,
    subject TEXT NOT NULL,
    from_text TEXT NOT NULL,
    to_text TEXT NOT NULL,
    cc_text TEXT NOT NULL,
    sort_from TEXT NOT NULL,
    sort_to TEXT NOT NULL,
    sort_cc TEXT NOT NULL,
    display_from TEXT NOT NULL,
    display_to TEXT NOT NULL
) STRICT;

-- Apart from content, so that lists and searches never page through it.
-- rest NULL: it is in chunk.
CREATE TABLE body (
    content INTEGER PRIMARY KEY,
    header BLOB NOT NULL,
    rest BLOB
) STRICT;

-- Pieces of 256 KiB, the last one shorter; n counts from 0.
CREATE TABLE chunk (
    content INTEGER NOT NULL,
    n INTEGER NOT NULL,
    octets BLOB NOT NULL,
    PRIMARY KEY (content, n)
) STRICT;

-- Content whose chunks are being written in transactions of their own, before the message is.
CREATE TABLE staging (
    content INTEGER PRIMARY KEY,
    since INTEGER NOT NULL
) STRICT;

-- Hash of a Message-ID seen as its own or in References, to the thread (a content id) it belongs to.
CREATE TABLE thread (
    message_id INTEGER PRIMARY KEY,
    thread INTEGER NOT NULL
) STRICT;

-- New mail arrives through this view: one statement instead of four, because every statement
-- is a round through Python's lock, which writers of many accounts contend for.
CREATE VIEW arrival AS
    SELECT message.*, header, rest,
        header_octets, thread, sent_seconds, sent_zone, has_attachment, envelope, bodystructure,
        preview, parts, message_id, reference_ids, base_subject, subject, from_text, to_text,
        cc_text, sort_from, sort_to, sort_cc, display_from, display_to
    FROM message JOIN content ON content.id = message.content JOIN body USING (content);

CREATE TRIGGER arrival_is_filed INSTEAD OF INSERT ON arrival BEGIN
    INSERT INTO body VALUES (NEW.content, NEW.header, NEW.rest);
    INSERT INTO content VALUES (
        NEW.content, NEW.size, NEW.header_octets, NEW.thread, NEW.sent_seconds, NEW.sent_zone,
        NEW.has_attachment, NEW.envelope, NEW.bodystructure, NEW.preview, NEW.parts,
        NEW.message_id, NEW.reference_ids, NEW.base_subject, NEW.subject, NEW.from_text,
        NEW.to_text, NEW.cc_text, NEW.sort_from, NEW.sort_to, NEW.sort_cc, NEW.display_from,
        NEW.display_to
    );
    INSERT INTO message VALUES (
        NEW.mailbox, NEW.uid, NEW.content, NEW.flags, NEW.modseq, NEW.added, NEW.received,
        NEW.zone, NEW.saved, NEW.size, NEW.uidl
    );
    UPDATE mailbox SET
        uidnext = NEW.uid + 1,
        highest_modseq = NEW.modseq,
        message_count = message_count + 1,
        unseen = unseen + (NEW.flags & 1 = 0),
        deleted = deleted + (NEW.flags & 8 <> 0),
        octets = octets + NEW.size,
        deleted_octets = deleted_octets + NEW.size * (NEW.flags & 8 <> 0),
        recent = recent + 1,
        first_unseen = coalesce(first_unseen, CASE WHEN NEW.flags & 1 = 0 THEN NEW.uid END)
    WHERE id = NEW.mailbox;
END;

-- 0003: which messages have changed since they came, as ranges instead of an index entry each.
--
--   I11 Every message whose flags have changed since it came (modseq > added) is in a range of
--       changed with its modseq.
--
-- A change of all messages of a mailbox moved as many entries of the index: two thirds of its cost.
-- Ranges may overlap and name messages that have changed again or are gone; what they say is
-- always looked up in message.  A range that a newer one covers is removed.

CREATE TABLE changed (
    mailbox INTEGER NOT NULL,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    PRIMARY KEY (mailbox, low, high)
) STRICT, WITHOUT ROWID;

INSERT INTO changed SELECT mailbox, min(uid), max(uid), modseq FROM (
    SELECT mailbox, uid, modseq,
        uid - row_number() OVER (PARTITION BY mailbox, modseq ORDER BY uid) AS island
    FROM message WHERE modseq > added
) GROUP BY mailbox, modseq, island;

DROP INDEX message_changed;

CREATE INDEX changed_at ON changed (mailbox, modseq);

-- 0002: where the usage comes from.
--
--   I10 The sum of all ledger entries is account.octets and account.messages.
--
-- The usage can no longer be written below zero: a transaction that would is refused.

CREATE TABLE ledgered (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    account_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    modseq INTEGER NOT NULL,
    modseq_ceiling INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    last_uidvalidity INTEGER NOT NULL,
    last_content INTEGER NOT NULL,
    octets INTEGER NOT NULL CHECK (octets >= 0),
    messages INTEGER NOT NULL CHECK (messages >= 0),
    -- That of the newest ledger entry; the hub keeps the usage of the highest.
    ledger_seq INTEGER NOT NULL
) STRICT;

INSERT INTO ledgered SELECT id, account_id, tag, modseq, modseq_ceiling, boot_id, last_uidvalidity,
    last_content, max(octets, 0), max(messages, 0), ledger_seq FROM account;

DROP TABLE account;

ALTER TABLE ledgered RENAME TO account;

-- What changed the usage, when, and by how much.  The oldest entries are carried forward into one,
-- so that the table stays short.  mailbox: NULL in that one.
CREATE TABLE ledger (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    cause TEXT NOT NULL,
    mailbox INTEGER,
    octets INTEGER NOT NULL,
    messages INTEGER NOT NULL
) STRICT;

INSERT INTO ledger SELECT ledger_seq, 0, 'carried', NULL, octets, messages FROM account
    WHERE octets <> 0 OR messages <> 0;

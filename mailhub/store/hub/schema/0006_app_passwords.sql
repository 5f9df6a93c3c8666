-- Secrets for single devices and programs.  Numbers are never given again: a use that is noted late
-- must not be another's.  `protocols` and `networks` are separated by spaces; no network: all.
CREATE TABLE app_password (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES account (number),
    name TEXT NOT NULL COLLATE NOCASE,
    digest BLOB NOT NULL UNIQUE,
    protocols TEXT NOT NULL,
    networks TEXT NOT NULL,
    read_only INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    last_used INTEGER,
    last_address TEXT NOT NULL DEFAULT '',
    UNIQUE (account, name)
) STRICT;

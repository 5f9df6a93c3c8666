-- Accounts whose owners a directory knows.  What it said last is kept: log-ins by other means and
-- deliveries go by it while the directory does not answer.

CREATE TABLE identity (
    directory TEXT NOT NULL,
    person TEXT NOT NULL,
    account INTEGER NOT NULL UNIQUE REFERENCES account (number),
    said TEXT NOT NULL,
    blocked INTEGER,
    welcomed INTEGER NOT NULL DEFAULT 0,
    seen INTEGER NOT NULL,
    walk INTEGER NOT NULL DEFAULT 0,
    gone INTEGER,
    PRIMARY KEY (directory, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX identity_walk ON identity (directory, walk);

-- One row for each directory that was ever walked through.
CREATE TABLE directory_state (
    name TEXT NOT NULL PRIMARY KEY,
    walk INTEGER NOT NULL DEFAULT 0,
    started INTEGER,
    finished INTEGER,
    distrusted INTEGER,
    losses INTEGER NOT NULL DEFAULT 0,
    people INTEGER NOT NULL DEFAULT 0,
    trusted INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Addresses that a directory gave; the others are the administrator's.
ALTER TABLE address ADD COLUMN from_directory INTEGER NOT NULL DEFAULT 0;

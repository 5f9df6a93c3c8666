-- Who exists.  Names are canonical (mailhub.store.hub.addresses): lower case, domains as A-labels.

CREATE TABLE domain (
    name TEXT NOT NULL PRIMARY KEY,
    enabled INTEGER NOT NULL DEFAULT 1,
    catch_all INTEGER REFERENCES account (number),
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A row stays for ever, so that neither number nor id is given a second time.  `deleted` is set
-- before the files of the account are removed, `removed` when they are gone.
CREATE TABLE account (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL DEFAULT '',
    enabled INTEGER NOT NULL DEFAULT 1,
    created INTEGER NOT NULL,
    deleted INTEGER,
    removed INTEGER,
    last_address TEXT
) STRICT;

CREATE INDEX account_to_remove ON account (number) WHERE deleted IS NOT NULL AND removed IS NULL;

-- One name-space for accounts and aliases.  A primary address is what its account is called; the
-- other rows of an account are its aliases.  Renaming a domain renames all addresses in it.
CREATE TABLE address (
    domain TEXT NOT NULL REFERENCES domain (name) ON UPDATE CASCADE,
    local TEXT NOT NULL,
    account INTEGER NOT NULL REFERENCES account (number),
    is_primary INTEGER NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1,
    created INTEGER NOT NULL,
    PRIMARY KEY (domain, local)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX address_primary ON address (account) WHERE is_primary;
CREATE INDEX address_account ON address (account);

CREATE TABLE verifier (
    account INTEGER NOT NULL REFERENCES account (number),
    scheme TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (account, scheme)
) STRICT, WITHOUT ROWID;

-- What changes often and may be lost with the power: a table of its own, so that a log-in or a
-- delivery rewrites a short row.  The account's file is the truth about usage.
CREATE TABLE activity (
    account INTEGER NOT NULL PRIMARY KEY REFERENCES account (number),
    last_login INTEGER,
    octets INTEGER NOT NULL DEFAULT 0,
    messages INTEGER NOT NULL DEFAULT 0,
    ledger_seq INTEGER NOT NULL DEFAULT 0
) STRICT;

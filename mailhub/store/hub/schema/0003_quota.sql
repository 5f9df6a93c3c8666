-- Quotas: limits and their sources, what domains hold together, what is being added to them now.

-- NULL: this source does not say; 0: no limit.
CREATE TABLE quota_limit (
    account INTEGER NOT NULL REFERENCES account (number),
    -- 'administrator', 'directory' or 'group', the stronger first.
    source TEXT NOT NULL,
    octets INTEGER,
    messages INTEGER,
    mailboxes INTEGER,
    mailbox_messages INTEGER,
    message_octets INTEGER,
    -- For people: which attribute, which group, who.
    detail TEXT NOT NULL DEFAULT '',
    changed INTEGER NOT NULL,
    PRIMARY KEY (account, source)
) STRICT, WITHOUT ROWID;

-- scope 'account': of each account that nothing stronger is said about; 'total': of all together.
CREATE TABLE quota_domain (
    domain TEXT NOT NULL REFERENCES domain (name) ON UPDATE CASCADE ON DELETE CASCADE,
    scope TEXT NOT NULL,
    octets INTEGER,
    messages INTEGER,
    mailboxes INTEGER,
    mailbox_messages INTEGER,
    message_octets INTEGER,
    detail TEXT NOT NULL DEFAULT '',
    changed INTEGER NOT NULL,
    PRIMARY KEY (domain, scope)
) STRICT, WITHOUT ROWID;

-- Grows with every change of a limit or of an account's domain: what was remembered is old then.
CREATE TABLE quota_version (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO quota_version VALUES (1, 1);

CREATE TRIGGER quota_limit_added AFTER INSERT ON quota_limit BEGIN
    UPDATE quota_version SET version = version + 1;
END;

CREATE TRIGGER quota_limit_changed AFTER UPDATE ON quota_limit BEGIN
    UPDATE quota_version SET version = version + 1;
END;

CREATE TRIGGER quota_limit_removed AFTER DELETE ON quota_limit BEGIN
    UPDATE quota_version SET version = version + 1;
END;

CREATE TRIGGER quota_domain_added AFTER INSERT ON quota_domain BEGIN
    UPDATE quota_version SET version = version + 1;
END;

CREATE TRIGGER quota_domain_changed AFTER UPDATE ON quota_domain BEGIN
    UPDATE quota_version SET version = version + 1;
END;

CREATE TRIGGER quota_domain_removed AFTER DELETE ON quota_domain BEGIN
    UPDATE quota_version SET version = version + 1;
END;

-- The sums of activity over the accounts of a domain, kept by the triggers below.
ALTER TABLE domain ADD COLUMN octets INTEGER NOT NULL DEFAULT 0;

ALTER TABLE domain ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;

-- Under which boot of the machine every account's file was read: since then nothing can be
-- missing from the sums, as power losses take back what is written here.  Empty: not yet.
ALTER TABLE domain ADD COLUMN usage_read TEXT NOT NULL DEFAULT '';

UPDATE domain SET (octets, messages) = (
    SELECT coalesce(sum(activity.octets), 0), coalesce(sum(activity.messages), 0)
    FROM address JOIN activity USING (account)
    WHERE address.domain = domain.name AND address.is_primary
);

CREATE TRIGGER activity_changed AFTER UPDATE OF octets, messages ON activity BEGIN
    UPDATE domain SET
        octets = octets + NEW.octets - OLD.octets,
        messages = messages + NEW.messages - OLD.messages
    WHERE name = (SELECT domain FROM address WHERE account = NEW.account AND is_primary);
END;

CREATE TRIGGER address_added AFTER INSERT ON address WHEN NEW.is_primary BEGIN
    UPDATE domain SET (octets, messages) = (
        SELECT domain.octets + activity.octets, domain.messages + activity.messages
        FROM activity WHERE account = NEW.account
    ) WHERE name = NEW.domain AND EXISTS (SELECT 1 FROM activity WHERE account = NEW.account);
    UPDATE quota_version SET version = version + 1;
END;

CREATE TRIGGER address_removed AFTER DELETE ON address WHEN OLD.is_primary BEGIN
    UPDATE domain SET (octets, messages) = (
        SELECT domain.octets - activity.octets, domain.messages - activity.messages
        FROM activity WHERE account = OLD.account
    ) WHERE name = OLD.domain AND EXISTS (SELECT 1 FROM activity WHERE account = OLD.account);
    UPDATE quota_version SET version = version + 1;
END;

-- An account may get another of its addresses as its own.
CREATE TRIGGER address_chosen AFTER UPDATE OF is_primary ON address
WHEN NEW.is_primary > OLD.is_primary BEGIN
    UPDATE domain SET (octets, messages) = (
        SELECT domain.octets + activity.octets, domain.messages + activity.messages
        FROM activity WHERE account = NEW.account
    ) WHERE name = NEW.domain AND EXISTS (SELECT 1 FROM activity WHERE account = NEW.account);
    UPDATE quota_version SET version = version + 1;
END;

CREATE TRIGGER address_left AFTER UPDATE OF is_primary ON address
WHEN NEW.is_primary < OLD.is_primary BEGIN
    UPDATE domain SET (octets, messages) = (
        SELECT domain.octets - activity.octets, domain.messages - activity.messages
        FROM activity WHERE account = OLD.account
    ) WHERE name = OLD.domain AND EXISTS (SELECT 1 FROM activity WHERE account = OLD.account);
    UPDATE quota_version SET version = version + 1;
END;

-- A renamed domain takes its addresses along, and its sums.
CREATE TRIGGER address_renamed AFTER UPDATE OF domain ON address WHEN NEW.is_primary BEGIN
    UPDATE quota_version SET version = version + 1;
END;

-- What transactions are adding to a domain with a total, from before their COMMIT until the usage
-- is recorded.  holder: the process, a byte of run/quota.lock that it has locked.
CREATE TABLE claim (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    holder INTEGER NOT NULL,
    account INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    messages INTEGER NOT NULL
) STRICT;

CREATE INDEX claim_account ON claim (account);

-- Who is above a threshold (per cent), as long as they are.
CREATE TABLE quota_warning (
    account INTEGER NOT NULL PRIMARY KEY REFERENCES account (number),
    percent INTEGER NOT NULL,
    since INTEGER NOT NULL
) STRICT;

-- What a crossing still has to bring about: 'mail' or 'webhook'.
CREATE TABLE quota_task (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL
) STRICT;

CREATE INDEX quota_task_due ON quota_task (due);

-- How full it was: the last word of each day (since 1970); thinned out as it gets older.
CREATE TABLE account_sample (
    account INTEGER NOT NULL REFERENCES account (number),
    day INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (account, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE domain_sample (
    domain TEXT NOT NULL REFERENCES domain (name) ON UPDATE CASCADE ON DELETE CASCADE,
    day INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (domain, day)
) STRICT, WITHOUT ROWID;

-- Accounts whose limits may have changed, until it is looked at whether that crosses a threshold.
-- (Not OR IGNORE below: the conflict clause of a statement overrides those of its triggers.)
CREATE TABLE limit_changed (
    account INTEGER NOT NULL PRIMARY KEY
) STRICT;

CREATE TRIGGER limit_changed_by_setting AFTER INSERT ON quota_limit BEGIN
    INSERT INTO limit_changed SELECT NEW.account
        WHERE NEW.account NOT IN (SELECT account FROM limit_changed);
END;

CREATE TRIGGER limit_changed_by_another AFTER UPDATE ON quota_limit BEGIN
    INSERT INTO limit_changed SELECT NEW.account
        WHERE NEW.account NOT IN (SELECT account FROM limit_changed);
END;

CREATE TRIGGER limit_changed_by_taking_back AFTER DELETE ON quota_limit BEGIN
    INSERT INTO limit_changed SELECT OLD.account
        WHERE OLD.account NOT IN (SELECT account FROM limit_changed);
END;

CREATE TRIGGER limit_changed_by_domain AFTER INSERT ON quota_domain WHEN NEW.scope = 'account' BEGIN
    INSERT INTO limit_changed SELECT account FROM address WHERE domain = NEW.domain AND is_primary
        AND account NOT IN (SELECT account FROM limit_changed);
END;

CREATE TRIGGER limit_changed_by_no_domain AFTER DELETE ON quota_domain WHEN OLD.scope = 'account' BEGIN
    INSERT INTO limit_changed SELECT account FROM address WHERE domain = OLD.domain AND is_primary
        AND account NOT IN (SELECT account FROM limit_changed);
END;

CREATE TRIGGER limit_changed_by_moving AFTER UPDATE OF is_primary ON address
WHEN NEW.is_primary > OLD.is_primary BEGIN
    INSERT INTO limit_changed SELECT NEW.account
        WHERE NEW.account NOT IN (SELECT account FROM limit_changed);
END;

-- Rules of the configuration set limits by group.
CREATE TRIGGER limit_changed_by_directory AFTER UPDATE OF said ON identity
WHEN NEW.said <> OLD.said BEGIN
    INSERT INTO limit_changed SELECT NEW.account
        WHERE NEW.account NOT IN (SELECT account FROM limit_changed);
END;

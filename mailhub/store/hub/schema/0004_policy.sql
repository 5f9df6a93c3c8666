-- Rules of the configuration set limits by group: what a directory says anew makes them old.
CREATE TRIGGER quota_identity_changed AFTER UPDATE OF said ON identity
WHEN NEW.said <> OLD.said BEGIN
    UPDATE quota_version SET version = version + 1;
END;
